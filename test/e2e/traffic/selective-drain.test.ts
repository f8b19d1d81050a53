// What lives long through changes: streams whose Route and endpoint stand go on, the others are told politely, and so are all when a node stops.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../kit/eventually.ts';
import { type EventStream, openEventStream } from '../../kit/event-stream.ts';
import { connectHttp2, http2Tunnel } from '../../kit/http2-tunnel.ts';
import { scrape } from '../../kit/metrics.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startEvents } from '../../kit/upstreams/events.ts';
import { startWebSocket } from '../../kit/upstreams/websocket.ts';
import { openWebSocket, refusedWebSocket, type WebSocketClient } from '../../kit/websocket-client.ts';

const drainMs = 1500;
/** A loaded machine is late. */
const lateMsMax = 3000;

async function started(t: TestContext, timeouts: object = { drain: `${drainMs}ms`, drainDelay: '0s' }) {
  const [chat, other, events] = [
    await startWebSocket(t, { name: 'chat' }),
    await startWebSocket(t, { name: 'other' }),
    await startEvents(t),
  ];
  const system = await startSystem(t, {
    resources: [
      gateway({ timeouts }),
      service('chat', [chat.port]),
      service('pair', [chat.port, other.port], { loadBalancing: { policy: 'roundRobin' } }),
      service('events', [events.port]),
      route('chat', '/chat', 'chat'),
      route('stays', '/stays', 'chat'),
      route('pair', '/pair', 'pair'),
      route('events', '/events', 'events'),
      route('ndjson', '/ndjson', 'events'),
      route('count', '/count', 'events'),
    ],
  });
  const node = system.nodes[0]!;
  const port = await node.trafficPort();
  const webSocket = (path: string): Promise<WebSocketClient> =>
    openWebSocket(t, `ws://127.0.0.1:${port}${path}`);
  const stream = (path: string): Promise<EventStream> =>
    openEventStream(t, `http://127.0.0.1:${port}${path}`);
  return { system, node, port, chat, other, events, webSocket, stream };
}

async function remove({ admin }: System, ...routes: readonly string[]): Promise<void> {
  for (const name of routes) {
    const { status, text } = await admin.call('DELETE', `namespaces/default/routes/${name}`);
    assert.equal(status, 200, text);
  }
}

/** The last event of a stream that its node ends: when to come back. */
async function retryOf(stream: EventStream): Promise<number> {
  for (;;) {
    const { retry } = await stream.next();
    if (retry !== undefined) return Number(retry);
  }
}

describe('a swap', () => {
  it('leaves alone what lives, whatever else changes, and each is counted by the revision that let it in', async (t) => {
    const { system, node, webSocket, stream, events } = await started(t);
    const [chat, seen] = [await webSocket('/chat'), await stream('/events')];
    const before = await scrape(node);
    assert.equal(before.sum('causeway_streams'), 2);
    for (let change = 0; change < 10; change += 1)
      await system.apply([
        route('other', `/other-${change}`, 'chat'),
        route('chat', '/chat', 'chat', { priority: change }),
      ]);
    assert.equal(await chat.ask('still here'), 'still here');
    await events.send('data: still here\n\n');
    assert.deepEqual(await seen.next(), { data: 'still here' });
    const later = await webSocket('/chat');
    const metrics = await eventually(() => scrape(node), {
      what: 'three are counted',
      until: (now) => now.sum('causeway_streams') === 3,
    });
    assert.equal(metrics.sum('causeway_streams_by_revision'), 3);
    assert.deepEqual([chat.isOver, later.isOver, seen.isOver], [false, false, false]);
    assert.equal(metrics.sum('causeway_tables_retired'), 0);
  });

  it('that takes a Route away ends its WebSockets with 1012 and its event streams between events, and no others', async (t) => {
    const { system, webSocket, stream, chat, events } = await started(t);
    const leaving = await Promise.all(Array.from({ length: 20 }, () => webSocket('/chat')));
    const [stays, gone, records] = [
      await webSocket('/stays'),
      await stream('/events'),
      await stream('/ndjson'),
    ];
    await events.send('data: half');
    await eventually(() => gone.text === 'data: half', { what: 'half an event' });
    const startMs = performance.now();
    await remove(system, 'chat', 'events', 'ndjson');
    const endsMs = await Promise.all(
      leaving.map(async (client) => {
        assert.equal((await client.closed()).code, 1012);
        return performance.now() - startMs;
      }),
    );
    const [first, last] = [Math.min(...endsMs), Math.max(...endsMs)];
    assert.ok(last < drainMs + lateMsMax, `the last after ${last} ms`);
    assert.ok(last - first > drainMs / 10, `all between ${first} and ${last} ms`);
    assert.equal(gone.text, 'data: half');
    assert.equal(gone.isOver, false);
    await events.send(' and half\n\ndata: beyond\n\n');
    assert.deepEqual(await gone.next(), { data: 'half and half' });
    assert.ok((await retryOf(gone)) >= 1000);
    assert.equal(await gone.ended(), 'end');
    assert.ok(!gone.text.includes('beyond'), gone.text);
    assert.equal(await records.ended(), 'cut');
    await eventually(() => events.streams.length === 0, { what: 'the upstream of the streams is left' });
    assert.equal(await stays.ask('still here'), 'still here');
    await eventually(() => chat.live === 1, { what: 'the upstream has one left' });
    assert.ok(
      chat.closes.every(({ code }) => code === 1001 || code === 1012),
      JSON.stringify(chat.closes),
    );
  });

  it('that takes an endpoint away ends what was there, and nothing elsewhere', async (t) => {
    const { system, webSocket, chat, other } = await started(t);
    const clients = await Promise.all(Array.from({ length: 10 }, () => webSocket('/pair')));
    const names = await Promise.all(clients.map((client) => client.ask('name')));
    assert.ok(names.includes('chat') && names.includes('other'));
    await system.apply([service('pair', [other.port], { loadBalancing: { policy: 'roundRobin' } })]);
    for (const [index, client] of clients.entries()) {
      if (names[index] === 'chat') assert.equal((await client.closed()).code, 1012);
      else assert.equal(await client.ask('still here'), 'still here');
    }
    await eventually(() => chat.live === 0, { what: 'nothing is left there' });
    assert.equal(await (await webSocket('/pair')).ask('name'), 'other');
  });

  it('that refuses WebSockets ends them with 1012, and refuses new ones', async (t) => {
    const { system, port, webSocket } = await started(t);
    const client = await webSocket('/chat');
    await system.apply([route('chat', '/chat', 'chat', { websocket: { enabled: false } })]);
    assert.equal((await client.closed()).code, 1012);
    assert.equal((await refusedWebSocket(t, `ws://127.0.0.1:${port}/chat`)).status, 426);
  });

  it('has time for what is being said: an echo on its way still comes', async (t) => {
    const { system, webSocket } = await started(t);
    const client = await webSocket('/chat');
    await remove(system, 'chat');
    for (let count = 0; !client.isOver; count += 1) {
      client.socket.send(`${count}`, () => {});
      await sleep(20);
    }
    assert.equal((await client.closed()).code, 1012);
    assert.deepEqual(
      client.unread,
      client.unread.map((_, index) => `${index}`),
    );
  });
});

describe('a node that stops', () => {
  it('tells all with 1001, and event streams when to come back, spread over its time', async (t) => {
    const { node, port, webSocket, stream, chat, events } = await started(t);
    const clients = await Promise.all(Array.from({ length: 30 }, () => webSocket('/chat')));
    const session = await connectHttp2(t, `http://127.0.0.1:${port}`);
    const overHttp2 = await openWebSocket(t, `ws://127.0.0.1:${port}/chat`, {
      connection: () => http2Tunnel(session),
    });
    const counts = await Promise.all(Array.from({ length: 10 }, () => stream('/count?everyMs=20')));
    await Promise.all(counts.map((count) => count.next()));
    const startMs = performance.now();
    node.child.signal('SIGTERM');
    const endsMs = await Promise.all([
      ...[...clients, overHttp2].map(async (client) => {
        assert.equal((await client.closed()).code, 1001);
        return performance.now() - startMs;
      }),
      ...counts.map(async (count) => {
        assert.ok((await retryOf(count)) >= 1000);
        assert.equal(await count.ended(), 'end');
        return performance.now() - startMs;
      }),
    ]);
    const [first, last] = [Math.min(...endsMs), Math.max(...endsMs)];
    assert.ok(last < drainMs + lateMsMax, `the last after ${last} ms`);
    assert.ok(last - first > drainMs / 10, `all between ${first} and ${last} ms`);
    assert.deepEqual(await node.child.expectEnd(), { code: 0, signal: null });
    await eventually(() => chat.live === 0 && events.streams.length === 0, { what: 'upstreams are left' });
    assert.ok(
      chat.closes.every(({ code }) => code === 1001),
      JSON.stringify(chat.closes),
    );
  });

  it('cuts who does not answer, and still ends with 0', async (t) => {
    const { node, webSocket } = await started(t, { drain: '1s', drainDelay: '0s' });
    const deaf = await webSocket('/chat');
    deaf.socket.pause();
    await deaf.send('flood 16');
    await sleep(300);
    node.child.signal('SIGTERM');
    assert.deepEqual(await node.child.expectEnd(), { code: 0, signal: null });
  });
});

describe('workers that are replaced', () => {
  it('tell theirs with 1001 within the drain time, and clients that return find the new ones', async (t) => {
    const { system, node, webSocket } = await started(t);
    const clients = await Promise.all(Array.from({ length: 10 }, () => webSocket('/chat')));
    const { status } = await system.admin.call('POST', `nodes/${node.id}/restartWorkers`);
    assert.equal(status, 202);
    const codes = await Promise.all(clients.map(async (client) => (await client.closed()).code));
    assert.deepEqual(new Set(codes), new Set([1001]));
    const back = await webSocket('/chat');
    assert.equal(await back.ask('back'), 'back');
  });
});
