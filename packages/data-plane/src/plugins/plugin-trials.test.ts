import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { routeItem } from '../testing/node-fixture.ts';
import { PluginTrials } from './plugin-trials.ts';

const directory = mkdtempSync(join(tmpdir(), 'plugin-trials-'));
after(() => rmSync(directory, { recursive: true }));

const modules = {
  good: 'setInterval(() => {}); export default () => ({ onEnd() {} });',
  spins: 'for (;;);',
  makes: 'export default () => { for (;;); };',
  throws: 'export default ({ config }) => { if (config.bad) throw new Error("no"); return { onEnd() {} }; };',
  exits: 'process.reallyExit(1);',
};
for (const [name, text] of Object.entries(modules)) writeFileSync(join(directory, `${name}.mjs`), text);

const pluginRoute = (name: string, module: string, config: object = {}) =>
  routeItem(name, '/', {
    filters: [{ name: 'p', item: { case: 'plugin', value: { module, config: JSON.stringify(config) } } }],
  });

const told = async (trials: PluginTrials, ...routes: ReturnType<typeof pluginRoute>[]) =>
  (await trials.run(routes)).map(({ reason, resource, detail }) => `${reason} ${resource} ${detail}`);

describe('a trial of plugins', () => {
  it('finds those that never come back, and names plugin and resource', async () => {
    const trials = new PluginTrials(directory, 500);
    const routes = [pluginRoute('a', 'good'), pluginRoute('b', 'spins'), pluginRoute('c', 'spins')];
    const late = 'plugin spins: computed for 0.5 s while it was loaded or made';
    assert.deepEqual(await told(trials, ...routes), [
      `plugin_failed route/default/b ${late}`,
      `plugin_failed route/default/c ${late}`,
    ]);
    assert.deepEqual(await told(trials, pluginRoute('d', 'makes')), [
      `plugin_failed route/default/d ${late.replace('spins', 'makes')}`,
    ]);
    assert.deepEqual(await told(trials, pluginRoute('a', 'good')), []);
  });

  it('finds those that throw, or end their thread, and leaves those that are not there to workers', async () => {
    const trials = new PluginTrials(directory, 0);
    const routes = [pluginRoute('a', 'throws', { bad: true }), pluginRoute('b', 'throws')];
    assert.deepEqual(await told(trials, ...routes, pluginRoute('c', 'none')), [
      'plugin_failed route/default/a plugin throws: no',
    ]);
    assert.deepEqual(await told(trials, pluginRoute('d', 'exits')), [
      'plugin_failed route/default/d plugin exits: ended its thread',
    ]);
    assert.deepEqual(await told(new PluginTrials(undefined, 0), pluginRoute('d', 'spins')), []);
  });
});
