import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { PluginFault, PluginModules } from './plugin-modules.ts';

const root = mkdtempSync(join(tmpdir(), 'plugins-'));
const directory = join(root, 'plugins');
mkdirSync(directory);
after(() => rmSync(root, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
const fault = (reason: string, message: RegExp) => (error: unknown) =>
  error instanceof PluginFault && error.reason === reason && message.test(error.message);

describe('modules of plugins', () => {
  it('are files of the directory, loaded anew when they have changed', async () => {
    const modules = new PluginModules(directory);
    write('a.mjs', 'export default () => 1;');
    await modules.load('a');
    assert.equal(modules.get('a')({ name: '', config: {} }), 1);
    write('a.mjs', 'export default () => 2;');
    utimesSync(join(directory, 'a.mjs'), new Date(), new Date(Date.now() + 5000));
    await modules.load('a');
    assert.equal(modules.get('a')({ name: '', config: {} }), 2);
  });

  it('are missing without a directory, without a file, and behind a link that leads out', async () => {
    await assert.rejects(new PluginModules().load('a'), fault('plugin_missing', /without --plugin-dir/));
    const modules = new PluginModules(directory);
    await assert.rejects(modules.load('none'), fault('plugin_missing', /no file none.mjs in/));
    assert.throws(() => modules.get('none'), fault('plugin_missing', /not loaded/));
    writeFileSync(join(root, 'out.mjs'), 'export default () => 1;');
    symlinkSync(join(root, 'out.mjs'), join(directory, 'out.mjs'));
    await assert.rejects(modules.load('out'), fault('plugin_missing', /leads out/));
  });

  it('fail to load where they throw, or export no function', async () => {
    const modules = new PluginModules(directory);
    write('throws.mjs', "throw new Error('at load');");
    write('broken.mjs', 'export default (');
    write('nothing.mjs', 'export const a = 1;');
    await assert.rejects(modules.load('throws'), fault('plugin_failed', /plugin throws: at load/));
    await assert.rejects(modules.load('broken'), fault('plugin_failed', /plugin broken: /));
    await assert.rejects(modules.load('nothing'), fault('plugin_failed', /default export is no function/));
  });

  it('are known by the stacks of their errors', async () => {
    const modules = new PluginModules(directory);
    write('stray.mjs', "export default () => new Error('stray');");
    await modules.load('stray');
    assert.equal(modules.culprit(modules.get('stray')({ name: '', config: {} })), 'stray');
    assert.equal(modules.culprit(new Error('ours')), undefined);
    assert.equal(modules.culprit('no error'), 'stray');
    assert.equal(new PluginModules(directory).culprit('no error'), undefined);
  });
});
