import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { create } from '@bufbuild/protobuf';
import type { Compiled } from '@causeway/proto/compiled';
import { EndpointSetSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import {
  CompiledMiddlewareSchema,
  RequestSourceKind,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import type { ProxyNodeOptions } from '../node.ts';
import { until } from '../testing/http-client.ts';
import {
  type Change,
  endpoints,
  gatewayItem,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from '../testing/node-fixture.ts';
import { eagerRetry } from '../testing/retrying-node.ts';
import { openTunnelEnd, type TunnelEnd, tunnelUpstream } from '../testing/tunnel-ends.ts';
import { closePayload, fromClient, fromUpstream, readWebsocketFrames } from '../testing/websocket-frames.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

type OnAddresses = Parameters<AddressResolver['watch']>[1];

/** Of the test kit: one that demands what its name says, written as a fault that never comes. */
const filter = (name: string) => ({
  name,
  phase: 1,
  item: { case: 'faultInjection' as const, value: { percent: 0 } },
});
const middleware = (name: string) => ({
  name: '',
  phase: 0,
  item: { case: 'middleware' as const, value: `default/${name}` },
});
const options: Partial<ProxyNodeOptions> = {
  buildFilter: ({ name }) => ({ kind: 'test', name, ...(!name.startsWith('free') && { demands: name }) }),
};

function middlewareItem(name: string, filters: readonly ReturnType<typeof filter>[]): Compiled {
  const value = create(CompiledMiddlewareSchema, { name: `default/${name}`, filters: [...filters] });
  return { kind: 'middleware', key: `middleware/default/${name}`, value };
}

const gateway = (more: Parameters<typeof gatewayItem>[0] = {}): Compiled =>
  gatewayItem({
    listeners: [{ name: 'http', address: '127.0.0.1', port: 0, http2: true }],
    timeouts: { drainMs: 300 },
    ...more,
  } as typeof more);

/** With one WebSocket of Route `chat`, and one event stream and one of records of Route `feed`. */
class Swapped {
  readonly fixture: NodeFixture;
  readonly client: TunnelEnd;
  readonly upstream: TunnelEnd;
  readonly events: Heard;
  readonly records: Heard;
  readonly ports: { readonly chat: number; readonly feed: number };
  readonly responses: readonly ServerResponse[];

  constructor(
    parts: Pick<Swapped, 'fixture' | 'client' | 'upstream' | 'events' | 'records' | 'ports' | 'responses'>,
  ) {
    this.fixture = parts.fixture;
    this.client = parts.client;
    this.upstream = parts.upstream;
    this.events = parts.events;
    this.records = parts.records;
    this.ports = parts.ports;
    this.responses = parts.responses;
  }

  async apply(change: Change): Promise<void> {
    assert.deepEqual(await this.fixture.apply(change), []);
  }

  /** All of them go on. */
  async goOn(): Promise<void> {
    const { client, upstream, responses } = this;
    const text = `m${(count += 1)}.`;
    client.send(fromClient(1, text));
    await until(
      'the message',
      () => readWebsocketFrames(upstream.received).at(-1)?.payload.toString() === text,
    );
    upstream.send(fromUpstream(1, text));
    await client.hears(text);
    for (const response of responses) response.write(`data: ${text}\n\n`);
    await until('the events', () => this.events.text.includes(text) && this.records.text.includes(text));
    assert.equal(this.fixture.node.retiredTables, 0);
    assert.deepEqual(this.fixture.node.streams.counts, { webSockets: 1, events: 1, records: 1 });
  }

  /** The WebSocket is told so, and the others go on. */
  async assertClosed(code: number, reason: string): Promise<void> {
    const { client, upstream } = this;
    const payload = closePayload(code, reason);
    await until('the close frame', () => client.received.subarray(-payload.length).equals(payload));
    client.send(fromClient(8, closePayload(code)));
    upstream.send(fromUpstream(8, closePayload(1001)));
    await until('the ends', () => client.isEnded && upstream.isEnded);
    client.end();
    upstream.end();
    await until('the record', () => this.fixture.records.some(({ closeCode }) => closeCode === code));
    assert.equal(this.fixture.node.streams.counts.webSockets, 0);
  }

  /** Both streams of `feed`: events by their own end, records by a cut. */
  async assertEnded(): Promise<void> {
    await until('the end of events', () => this.events.isEnded);
    assert.match(this.events.text, /^data: first\n\nretry: \d{4}\n\n$/);
    assert.equal(this.events.wasCut, false);
    await until('the cut of records', () => this.records.wasCut);
    await until('both are let go', () => this.responses.every(({ destroyed }) => destroyed));
    const { events, records } = this.fixture.node.streams.counts;
    assert.deepEqual([events, records], [0, 0]);
  }
}

let count = 0;

interface Heard {
  text: string;
  isEnded: boolean;
  wasCut: boolean;
}

async function hear(context: TestContext, port: number, path: string): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = get({ host: '127.0.0.1', port, path, agent: false }, resolve).on('error', reject);
  context.after(() => request.destroy());
  const response = await promise;
  const heard: Heard = { text: '', isEnded: false, wasCut: false };
  response.on('data', (piece) => (heard.text += String(piece)));
  response.on('end', () => (heard.isEnded = true));
  response.on('error', () => (heard.wasCut = true));
  await until('the first', () => heard.text !== '');
  return heard;
}

async function start(context: TestContext, items: readonly Compiled[] = []): Promise<Swapped> {
  const chat = await tunnelUpstream(context);
  const responses: ServerResponse[] = [];
  const feed = await startUpstream(context, (request, response) => {
    const type = request.url === '/feed/events' ? 'text/event-stream' : 'application/x-ndjson';
    response.writeHead(200, { 'content-type': type });
    response.write('data: first\n\n');
    responses.push(response);
  });
  const given = new Set(items.map(({ key }) => key));
  const usual = [
    gateway(),
    serviceItem('chat'),
    serviceItem('feed'),
    serviceItem('other'),
    routeItem('chat', '/'),
    routeItem('feed', '/feed'),
  ].filter(({ key }) => !given.has(key));
  const fixture = await startNode(
    context,
    {
      items: [...usual, ...items],
      endpoints: [endpoints('chat', [chat.port]), endpoints('feed', [feed.port])],
    },
    options,
  );
  const { end: client } = await openTunnelEnd(context, fixture.port());
  const events = await hear(context, fixture.port(), '/feed/events');
  const records = await hear(context, fixture.port(), '/feed/records');
  const ports = { chat: chat.port, feed: feed.port };
  return new Swapped({ fixture, client, upstream: chat.ends[0]!, events, records, ports, responses });
}

describe('streams stay over changes', () => {
  it('of everything that is not their own, and of their own Route and Service too', async (context) => {
    const swapped = await start(context);
    const { ports } = swapped;
    const changes: Change[] = [
      { items: [routeItem('new', '/new', { backends: [{ service: 'default/other', weight: 1 }] })] },
      { removedKeys: ['route/default/new'] },
      { items: [serviceItem('new')] },
      { items: [routeItem('chat', '/elsewhere'), routeItem('feed', '/elsewhere/feed')] },
      { items: [routeItem('chat', '/', { webSocket: { connectionsMax: 1, messageBytesMax: 1n } })] },
      { items: [routeItem('chat', '/', { backends: [{ service: 'default/other', weight: 1 }] })] },
      { items: [gateway({ timeouts: { keepAliveMs: 1000, drainMs: 300 } })] },
      { items: [serviceItem('chat', { connectTimeoutMs: 1 }), serviceItem('feed', { connectTimeoutMs: 1 })] },
      { endpoints: [endpoints('chat', [ports.chat, 1], 2), endpoints('feed', [2, ports.feed], 2)] },
      { endpoints: [endpoints('chat', [[ports.chat, 0]], 3), endpoints('feed', [[ports.feed, 0]], 3)] },
    ];
    for (const change of changes) {
      await swapped.apply(change);
      await swapped.goOn();
    }
    const { byRevision } = swapped.fixture.node.streams.list({ limit: 1 }, 0);
    assert.deepEqual(byRevision, [{ revision: 1, count: 3 }]);
  });

  it('that demand the same, less, or nothing', async (context) => {
    const swapped = await start(context, [
      middlewareItem('mw', [filter('c')]),
      gateway({ filters: [filter('d')] as never }),
      routeItem('chat', '/', { filters: [filter('a'), filter('b'), middleware('mw')] as never }),
      routeItem('feed', '/feed', { filters: [filter('a'), middleware('mw')] as never }),
    ]);
    const routes = (...names: string[]) => [
      routeItem('chat', '/', { filters: names.map(filter) as never }),
      routeItem('feed', '/feed', { filters: names.map(filter) as never }),
    ];
    for (const items of [
      [middlewareItem('mw', [filter('a')])],
      [gateway({ filters: [filter('a'), filter('d')] as never })],
      [gateway({ filters: [filter('free')] as never })],
      routes('a', 'c', 'free-1'),
      routes('a'),
      routes('c'),
      routes(),
    ]) {
      await swapped.apply({ items });
      await swapped.goOn();
    }
  });
});

describe('streams end politely', () => {
  it('when the port that they came by is closed, not when its listener has another name', async (context) => {
    const [port, other] = [await freePort(), await freePort()];
    const on = (name: string, at: number): Compiled =>
      gateway({ listeners: [{ name, address: '127.0.0.1', port: at }] });
    const swapped = await start(context, [on('http', port)]);
    await swapped.apply({ items: [on('web', port)] });
    await swapped.goOn();
    await swapped.apply({ items: [on('web', other)] });
    await swapped.assertClosed(1012, 'the listener has gone');
    await until('the others', () => swapped.events.isEnded && swapped.records.wasCut);
  });

  it('when no listener on their port has their Route any more', async (context) => {
    const swapped = await start(context);
    await swapped.apply({ items: [routeItem('chat', '/', { listeners: ['elsewhere'] })] });
    await swapped.assertClosed(1012, 'the route has gone');
  });

  it('when their Route is gone', async (context) => {
    const swapped = await start(context);
    await swapped.apply({ removedKeys: ['route/default/chat'] });
    await swapped.assertClosed(1012, 'the route has gone');
    await swapped.apply({ removedKeys: ['route/default/feed'] });
    await swapped.assertEnded();
    assert.equal(swapped.fixture.node.retiredTables, 0);
  });

  it('when WebSockets are not allowed any more, which others do not mind', async (context) => {
    const swapped = await start(context);
    const disabled = { webSocket: { disabled: true } };
    await swapped.apply({ items: [routeItem('chat', '/', disabled), routeItem('feed', '/feed', disabled)] });
    await swapped.assertClosed(1012, 'websockets are not allowed any more');
    swapped.responses[0]!.write('data: on\n\n');
    await until('the event', () => swapped.events.text.endsWith('data: on\n\n'));
  });

  it('when their endpoint is gone', async (context) => {
    const swapped = await start(context);
    await swapped.apply({ endpoints: [endpoints('chat', [1], 2), endpoints('feed', [1], 2)] });
    await swapped.assertClosed(1012, 'the endpoint has gone');
    await swapped.assertEnded();
  });

  it('when their Service is gone', async (context) => {
    const swapped = await start(context);
    const backends = [{ service: 'default/other', weight: 1 }];
    await swapped.apply({
      items: [routeItem('chat', '/', { backends }), routeItem('feed', '/feed', { backends })],
      removedKeys: ['service/default/chat', 'service/default/feed'],
    });
    await swapped.assertClosed(1012, 'the endpoint has gone');
    await swapped.assertEnded();
  });

  for (const [what, before, after] of [
    [
      'Route',
      [],
      [
        routeItem('chat', '/', { filters: [filter('a')] as never }),
        routeItem('feed', '/feed', { filters: [filter('a')] as never }),
      ],
    ],
    ['Gateway', [], [gateway({ filters: [filter('a')] as never })]],
    [
      'Middleware',
      [
        middlewareItem('mw', [filter('free')]),
        routeItem('chat', '/', { filters: [middleware('mw')] as never }),
        routeItem('feed', '/feed', { filters: [middleware('mw')] as never }),
      ],
      [middlewareItem('mw', [filter('a')])],
    ],
    [
      'Route, of another kind',
      [
        routeItem('chat', '/', { filters: [filter('a')] as never }),
        routeItem('feed', '/feed', { filters: [filter('a')] as never }),
      ],
      [
        routeItem('chat', '/', { filters: [filter('b')] as never }),
        routeItem('feed', '/feed', { filters: [filter('b')] as never }),
      ],
    ],
  ] as [string, Compiled[], Compiled[]][])
    it(`when more is demanded by the filters of the ${what}`, async (context) => {
      const swapped = await start(context, before);
      await swapped.apply({ items: after });
      await swapped.assertClosed(1008, 'the route asks for more now');
      await swapped.assertEnded();
    });

  it('when what they need was gone before the upstream answered', async (context) => {
    const answers: (() => void)[] = [];
    const feed = await startUpstream(context, (_, response) => {
      answers.push(() => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: first\n\n');
      });
    });
    const fixture = await startNode(context, {
      items: [gateway(), serviceItem('feed'), routeItem('feed', '/')],
      endpoints: [endpoints('feed', [feed.port])],
    });
    const hearing = hear(context, fixture.port(), '/');
    await until('the request', () => answers.length === 1);
    await fixture.apply({ removedKeys: ['route/default/feed'] });
    answers[0]!();
    const heard = await hearing;
    await until('the end', () => heard.isEnded);
    assert.match(heard.text, /retry: \d{4}\n\n$/);
    assert.equal(fixture.records[0]!.ended, 'routeGone');
  });

  it('when a drain has begun before the upstream answered', async (context) => {
    const answers: (() => void)[] = [];
    const feed = await startUpstream(context, (_, response) => {
      answers.push(() => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: first\n\n');
      });
    });
    const fixture = await startNode(context, {
      items: [gateway({ timeouts: { drainMs: 5000 } }), serviceItem('feed'), routeItem('feed', '/')],
      endpoints: [endpoints('feed', [feed.port])],
    });
    const hearing = hear(context, fixture.port(), '/');
    await until('the request', () => answers.length === 1);
    const drained = fixture.node.drain(0);
    await until('the drain', () => fixture.node.streams.isDraining);
    answers[0]!();
    const heard = await hearing;
    await until('the end', () => heard.isEnded);
    assert.match(heard.text, /retry: \d{4}\n\n$/);
    assert.deepEqual(await drained, { closed: 1, cut: 0 });
  });
});

describe('an endpoint by a host name', () => {
  it('keeps its streams when the name loses their address, and ends them when it goes itself', async (context) => {
    let tell: OnAddresses = () => {};
    const resolver = {
      watch(_: string, onChange: OnAddresses) {
        tell = onChange;
        queueMicrotask(() => onChange(['127.0.0.1']));
        return () => {};
      },
      close() {},
    };
    const { port, ends } = await tunnelUpstream(context);
    const named = (id: string, version: number) =>
      create(EndpointSetSchema, {
        service: 'default/chat',
        version,
        entries: [{ id, address: 'chat.test', port, weight: 1 }],
      });
    const items = [gateway(), serviceItem('chat'), routeItem('chat', '/')];
    const fixture = await startNode(context, { items, endpoints: [named('e-1', 1)] }, { resolver });
    const { end } = await openTunnelEnd(context, fixture.port());
    assert.equal(fixture.node.streams.list({ limit: 1 }, 0).connections[0]!.endpoint, 'e-1/127.0.0.1');
    tell(['127.0.0.2']);
    await fixture.apply({ items: [serviceItem('more')] });
    ends[0]!.send(fromUpstream(1, 'hi'));
    await end.hears('hi');
    await new Promise((resolve) => setTimeout(resolve, 120));
    assert.equal(end.bytes, 4);
    await fixture.apply({ endpoints: [named('e-2', 2)] });
    await end.hears('the endpoint has gone');
    end.cut();
    ends[0]!.cut();
    await until('the end', () => fixture.node.streams.counts.webSockets === 0);
  });
});

const byHeader = {
  kind: { case: 'by' as const, value: { kind: RequestSourceKind.HEADER, name: 'host' } },
};

describe('an old table', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  for (const [what, route, service] of [
    ['plain', {}, {}],
    ['with filters', { filters: [filter('a')] as never }, {}],
    ['with affinity', {}, { affinity: byHeader }],
    ['with retries', { retry: eagerRetry as never }, {}],
  ] as const)
    it(`is not kept by the streams that it let in: ${what}`, async (context) => {
      const swapped = await start(context, [
        routeItem('chat', '/', route),
        routeItem('feed', '/feed', route),
        serviceItem('chat', service),
        serviceItem('feed', service),
      ]);
      const old = new WeakRef(swapped.fixture.node.table!);
      await swapped.apply({ items: [serviceItem('new')] });
      await swapped.goOn();
      await until('it is collected', () => {
        collect();
        return old.deref() === undefined;
      });
      await swapped.goOn();
    });
});
