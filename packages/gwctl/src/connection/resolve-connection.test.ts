import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readContextFile, writeContextFile } from './context-file.ts';
import { resolveConnection } from './resolve-connection.ts';

const server = 'http://127.0.0.1:7080';

/** A directory with `.causeway/gwctl.yaml`, a directory below it, and a home with another file. */
async function world(t: TestContext, contexts: object[]) {
  const root = await mkdtemp(join(tmpdir(), 'gwctl-'));
  t.after(() => rm(root, { recursive: true }));
  const directory = join(root, 'project', 'deep');
  await mkdir(directory, { recursive: true });
  const found = join(root, 'project', '.causeway', 'gwctl.yaml');
  await mkdir(join(root, 'project', '.causeway'));
  await writeFile(found, JSON.stringify({ currentContext: 'local', contexts }));
  await writeFile(join(root, 'project', '.causeway', 'admin.token'), 'cwt_file\n');
  await writeFile(join(root, 'other.token'), 'cwt_other');
  const resolve = (flags: object = {}, env: Record<string, string> = {}) =>
    resolveConnection({ env: { HOME: root, ...env }, directory }, flags);
  return { root, found, resolve };
}

const local = { name: 'local', server, tokenFile: 'admin.token', namespace: 'shop' };

describe('the connection', () => {
  it('is that of the nearest context file above', async (t) => {
    const { resolve } = await world(t, [local]);
    assert.deepEqual(await resolve(), {
      server,
      token: 'cwt_file',
      context: 'local',
      namespace: 'shop',
      namespaceIsAsked: false,
    });
  });

  it('follows flags before the environment before the file', async (t) => {
    const { resolve } = await world(t, [local, { name: 'b', server, token: 'cwt_b' }]);
    assert.equal((await resolve({}, { GWCTL_CONTEXT: 'b' })).token, 'cwt_b');
    assert.equal((await resolve({ context: 'local' }, { GWCTL_CONTEXT: 'b' })).token, 'cwt_file');
    assert.equal((await resolve({}, { GWCTL_TOKEN: 'cwt_env' })).token, 'cwt_env');
    assert.equal((await resolve({ token: 'cwt_flag' }, { GWCTL_TOKEN: 'cwt_env' })).token, 'cwt_flag');
    const asked = await resolve({ namespace: 'pay' });
    assert.deepEqual([asked.namespace, asked.namespaceIsAsked], ['pay', true]);
  });

  it('keeps the token of a context from another server', async (t) => {
    const { resolve } = await world(t, [local]);
    assert.equal((await resolve({ server: `${server}/` })).token, 'cwt_file');
    const { token, context } = await resolve({}, { GWCTL_SERVER: 'http://127.0.0.1:7081' });
    assert.deepEqual([token, context], [undefined, undefined]);
  });

  it('sends no file from outside of a directory that it has come upon', async (t) => {
    const { found, resolve } = await world(t, [{ name: 'local', server, tokenFile: '../../other.token' }]);
    await assert.rejects(resolve(), /names a token file outside of its directory/);
    assert.equal((await resolve({}, { GWCTL_CONFIG: found })).token, 'cwt_other');
  });

  it('is refused where it is not to be had', async (t) => {
    const { resolve, root } = await world(t, [local]);
    await assert.rejects(resolve({ context: 'loca' }), /no context "loca" in .* \(did you mean "local"\?\)/);
    await assert.rejects(resolve({}, { GWCTL_CONFIG: join(root, 'none') }), /there is no context file/);
    await assert.rejects(resolve({ server: '127.0.0.1:7080' }), /is not the URL of a server/);
    await assert.rejects(resolve({ token: 'a\nb' }), /the token is not one line/);
    await assert.rejects(
      resolveConnection({ env: { HOME: '/nowhere' }, directory: '/' }, {}),
      /no control plane is known/,
    );
  });
});

describe('context files', () => {
  it('are written for their owner only, in directories that need not exist', async (t) => {
    const { root } = await world(t, []);
    const path = join(root, 'new', 'config.yaml');
    await writeContextFile(path, { currentContext: 'a', contexts: [{ name: 'a', server }] });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readContextFile(path), { currentContext: 'a', contexts: [{ name: 'a', server }] });
  });

  it('are refused when they are something else', async (t) => {
    const { root } = await world(t, []);
    const path = join(root, 'x.yaml');
    for (const text of ['[', 'contexts: 1', 'contexts: [{name: a}]', 'currentContext: 1']) {
      await writeFile(path, text);
      await assert.rejects(readContextFile(path), /the context file .*x\.yaml/);
    }
  });
});
