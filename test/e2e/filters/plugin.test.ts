// Plugins on real nodes: what they do to traffic, and what nodes do where they fail, hang, end or are not there.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { type DataPlaneNode, repository, startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';

const example = join(repository, 'deploy/examples/plugin/signed-url.mjs');
const scope = new OwnScope();
let directory: string;
let system: System;
let node: DataPlaneNode;
let port: number;

const plugin = (name: string, configSchema: unknown = true): Resource => ({
  kind: 'Plugin',
  metadata: { name },
  spec: { configSchema },
});
const using = (module: string, more: object = {}): object[] => [{ plugin: { module, ...more } }];

/** Does what its path says. */
const trouble = `
import { connect } from 'node:net';
export default ({ config }) => ({
  onRequestHead(exchange) {
    exchange.upstreamFields.push('x-plugin', config.mark ?? 'none');
    const what = exchange.path.split('/').at(-1);
    if (what === 'throw') throw new Error('oops');
    if (what === 'hang') return new Promise(() => {});
    if (what === 'stray') setTimeout(() => { throw new Error('strayed'); });
    if (what === 'value') setTimeout(() => { throw 'no error'; });
    if (what === 'socket') connect(1, '127.0.0.1');
    if (what === 'reject') void Promise.reject(new Error('rejected'));
    if (what === 'exit') process.exit(3);
    if (what === 'spin') for (;;);
    return undefined;
  },
  onResponseHead(exchange) {
    exchange.responseFields.push('x-seen', exchange.path);
  },
});
`;

const ask = async (path: string) => {
  const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}${path}`);
  const text = await body.text();
  return {
    status: statusCode,
    seen: headers['x-seen'],
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
};
const statusOf = async (path: string): Promise<number> => (await ask(path)).status;

const apply = async (resources: readonly Resource[]) =>
  system.admin.call('POST', 'apply', {
    body: resources.map((each) => JSON.stringify({ apiVersion: 'causeway/v1', ...each })).join('\n---\n'),
  });

describe('plugins', () => {
  before(async () => {
    directory = await tempDir(scope);
    writeFileSync(join(directory, 'trouble.mjs'), trouble);
    writeFileSync(join(directory, 'signed-url.mjs'), `export { default } from ${JSON.stringify(example)};`);
    const echo = await startEcho(scope);
    system = await startSystem(scope, {
      env: { LINK_KEY: 'secret' },
      workers: 2,
      nodeFlags: ['--plugin-dir', directory, '--worker-timeout', '1s'],
      resources: [
        gateway(),
        service('echo', [echo.port]),
        plugin('trouble', { properties: { mark: { type: 'string' } }, additionalProperties: false }),
        plugin('signed-url', { required: ['keyVariable'] }),
        route('deny', '/deny', 'echo', { filters: using('trouble', { config: { mark: 'ours' } }) }),
        route('allow', '/allow', 'echo', { filters: using('trouble', { onFailure: 'allow' }) }),
        route('links', '/links', 'echo', {
          filters: using('signed-url', { config: { keyVariable: 'LINK_KEY' }, phase: 'authentication' }),
        }),
      ],
    });
    node = system.nodes[0]!;
    port = await node.trafficPort();
  });
  after(() => scope.end());

  const counted = (hook: string, cause: string, times: number, module = 'trouble'): Promise<unknown> =>
    eventually(() => scrape(node), {
      what: `${times} failures of ${hook} by ${cause}`,
      until: (now) => now.sum('causeway_plugin_failures_total', { plugin: module, hook, cause }) === times,
    });

  it('change requests and responses', async () => {
    const { status, seen, body } = await ask('/deny/ok');
    assert.deepEqual([status, seen], [200, '/deny/ok']);
    const headers = body['headers'] as [string, string][];
    assert.deepEqual(
      headers.find(([name]) => name === 'x-plugin'),
      ['x-plugin', 'ours'],
    );
  });

  it('do what the example says', async () => {
    assert.equal(await statusOf('/links/a'), 403);
    const { signedQuery } = (await import(example)) as {
      signedQuery: (key: string, path: string, expiresAt: Date) => string;
    };
    const query = signedQuery('secret', '/links/a', new Date(Date.now() + 60_000));
    const { status, body } = await ask(`/links/a?${query}&b=1`);
    assert.deepEqual([status, body['target']], [200, '/links/a?b=1']);
  });

  it('that fail deny or let pass, are counted and named, and keep nobody else from being served', async () => {
    assert.equal(await statusOf('/deny/throw'), 500);
    assert.equal(await statusOf('/deny/hang'), 500);
    assert.equal(await statusOf('/deny/exit'), 500);
    assert.equal(await statusOf('/allow/throw'), 200);
    assert.equal(await statusOf('/allow/hang'), 200);
    assert.equal(await statusOf('/allow/stray'), 200);
    assert.equal(await statusOf('/allow/reject'), 200);
    assert.equal(await statusOf('/allow/value'), 200);
    assert.equal(await statusOf('/allow/socket'), 200);
    await counted('onRequestHead', 'error', 3);
    await counted('onRequestHead', 'timeout', 2);
    await counted('none', 'error', 2);
    await counted('none', 'error', 2, 'unknown');
    assert.equal((await scrape(node)).sum('causeway_worker_restarts_total'), 0);
    assert.ok(
      node.child.logs.some(({ msg, ...line }) => msg === 'a plugin failed' && line['plugin'] === 'trouble'),
    );
  });

  it('that compute for ever lose their worker, and the node goes on', async () => {
    await assert.rejects(ask('/deny/spin'));
    assert.equal(await statusOf('/deny/ok'), 200);
    await eventually(() => scrape(node), {
      what: 'the worker is replaced',
      until: (now) => now.sum('causeway_worker_restarts_total', { reason: 'blocked' }) === 1,
    });
  });

  it('take no configuration that does not fit, nor a schema that does not fit what is there', async () => {
    const wrong = await apply([
      route('deny', '/deny', 'echo', { filters: using('trouble', { config: { mrak: 'x' } }) }),
    ]);
    assert.equal(wrong.status, 422, wrong.text);
    assert.match(wrong.text, /\/spec\/filters\/0\/plugin\/config\/mrak/);
    const schema = await apply([plugin('trouble', { required: ['other'] })]);
    assert.equal(schema.status, 422, schema.text);
    assert.match(schema.text, /route\/default\/deny .*other is missing/);
    const unknown = await apply([route('r', '/r', 'echo', { filters: using('troubel') })]);
    assert.match(unknown.text, /no Plugin named .*did you mean/);
    assert.equal((await apply([plugin('trouble', { type: 'objekt' })])).status, 422);
    assert.equal((await system.admin.call('DELETE', 'plugins/trouble')).status, 409);
  });

  it('that nodes do not have are refused by them, and taken once they are there', async () => {
    const added = await apply([
      plugin('later'),
      route('later', '/later', 'echo', { filters: using('later') }),
      route('other', '/other', 'echo'),
    ]);
    assert.equal(added.status, 200, added.text);
    const revision = Number(added.headers['causeway-revision']);
    const state = async () => (await system.admin.revisionStatus(revision)).nodes[0];
    const refused = await eventually(state, {
      what: 'the node refuses the revision',
      until: (now) => now?.state === 'rejected',
    });
    const [problem] =
      (refused as { problems?: { reason: string; resource: string; detail: string }[] }).problems ?? [];
    assert.deepEqual([problem?.reason, problem?.resource], ['plugin_missing', 'route/default/later']);
    assert.match(problem?.detail ?? '', /no file later\.mjs/);
    assert.equal(await statusOf('/deny/ok'), 200);
    writeFileSync(join(directory, 'later.mjs'), 'export default () => ({ onRequestHead: () => undefined });');
    await eventually(state, { what: 'the node takes it', until: (now) => now?.state === 'applied' });
    assert.equal(await statusOf('/later'), 200);
  });
});
