// `gwctl get connections` and `gwctl drain` over a node that carries WebSockets and an event stream.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { openEventStream } from '../../kit/event-stream.ts';
import { gwctl } from '../../kit/gwctl.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startEvents } from '../../kit/upstreams/events.ts';
import { startWebSocket } from '../../kit/upstreams/websocket.ts';
import { openWebSocket } from '../../kit/websocket-client.ts';

interface Shown {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, string>>;
  readonly status: { readonly revision: number; readonly bytesIn: number; readonly bytesOut: number };
}

/** Of the same name and for the same upstream, elsewhere. */
function inNamespace(namespace: string, { metadata, ...rest }: Resource): Resource {
  return { ...rest, metadata: { ...metadata, namespace } as Resource['metadata'] };
}

async function started(t: TestContext, timeouts: object) {
  const [chat, events] = [await startWebSocket(t), await startEvents(t)];
  const system = await startSystem(t, {
    resources: [
      gateway({ timeouts }),
      service('chat', [chat.port]),
      service('events', [events.port]),
      inNamespace('shop', service('chat', [chat.port])),
      route('chat', '/chat', 'chat'),
      route('count', '/count', 'events'),
      inNamespace('shop', route('chat', '/shop', 'chat')),
    ],
  });
  const node = system.nodes[0]!;
  const run = (...args: string[]) => gwctl(args, { config: system.controlPlane.gwctlConfig });
  const listed = async (...args: string[]): Promise<Shown[]> => {
    const { stdout, stderr, code } = await run('get', 'connections', '-o', 'json', ...args);
    assert.deepEqual([code, stderr], [0, '']);
    return (JSON.parse(stdout) as { items: Shown[] }).items;
  };
  return { system, node, port: await node.trafficPort('http'), run, listed };
}

describe('what a node carries', () => {
  it('is listed by Route, Service, namespace, kind and client, with the revision that admitted it', async (t) => {
    const { port, run, listed, system } = await started(t, {});
    const first = await openWebSocket(t, `ws://127.0.0.1:${port}/chat`);
    await first.ask('hello');
    await openEventStream(t, `http://127.0.0.1:${port}/count?everyMs=1000`);
    await system.apply([route('later', '/later', 'chat')]);
    await openWebSocket(t, `ws://127.0.0.1:${port}/shop`);
    const all = await listed('-A');
    assert.deepEqual(
      all.map(({ metadata, spec, status }) => [
        metadata.namespace,
        spec['route'],
        spec['kind'],
        status.revision,
      ]),
      [
        ['default', 'chat', 'websocket', 1],
        ['default', 'count', 'events', 1],
        ['shop', 'chat', 'websocket', 2],
      ],
    );
    const [{ metadata, spec, status }] = all as [Shown];
    assert.match(metadata.name, /^node-1-./);
    assert.deepEqual(
      [spec['node'], spec['service'], spec['client'], spec['host']],
      ['node-1', 'chat', '127.0.0.1', '127.0.0.1'],
    );
    assert.ok(status.bytesIn >= 'hello'.length && status.bytesOut >= 'hello'.length);
    const routes = async (...args: string[]) => (await listed(...args)).map((each) => each.spec['route']);
    assert.deepEqual(await routes(), ['chat', 'count'], 'of the namespace');
    assert.deepEqual(await routes('--field-selector', 'kind=events'), ['count']);
    assert.deepEqual(await routes('--field-selector', 'service=chat,client=127.0.0.1'), ['chat']);
    assert.deepEqual(await routes('-n', 'shop'), ['chat']);
    assert.deepEqual(await routes('--field-selector', 'node=node-9'), []);
    const described = await eventually(() => run('describe', 'node', 'node-1'), {
      what: 'the node has told of its streams',
      until: ({ stdout }) => /^Streams: +2 WebSockets, 1 event stream$/m.test(stdout),
    });
    assert.match(described.stdout, /admitted them:\n {2}revision 2: 1\n {2}revision 1: 2$/m);
    await first.close(1000);
    await eventually(() => routes('-A'), { what: 'it is gone', until: (now) => now.length === 2 });
  });

  it('ends when the node is told to drain, which is waited for to the end', async (t) => {
    const { node, port, run } = await started(t, { drainDelay: '500ms', drain: '2s' });
    const [first, second] = [
      await openWebSocket(t, `ws://127.0.0.1:${port}/chat`),
      await openWebSocket(t, `ws://127.0.0.1:${port}/chat`),
    ];
    const { code, stdout, stderr } = await run('drain', 'node-1', '--wait');
    assert.deepEqual([code, stderr], [0, '']);
    const [cordoned, draining, drained, ...more] = stdout.split('\n');
    assert.equal(cordoned, 'node/node-1 cordoned at revision 1, not ready, still accepting for 500ms');
    assert.equal(draining, 'node/node-1 draining: 2 connections, 2 of them WebSocket');
    assert.match(drained ?? '', /^node\/node-1 drained after [0-9.]+s: 2 closed with 1001$/);
    assert.deepEqual(more, ['']);
    for (const webSocket of [first, second]) assert.equal((await webSocket.closed()).code, 1001);
    assert.deepEqual(await node.child.expectEnd(), { code: 0, signal: null });
  });
});
