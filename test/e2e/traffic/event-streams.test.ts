// Event streams and other answers whose parts are far apart: each part at once, nothing put into one, and an end on both sides.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../kit/eventually.ts';
import { openEventStream } from '../../kit/event-stream.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { type EventsUpstream, startEvents } from '../../kit/upstreams/events.ts';

/** Of the client's leaving, until the upstream sees it. */
const leaveMsMax = 1000;
const keepAliveMs = 200;

describe('an event stream through a node', () => {
  const scope = new OwnScope();
  let system: System;
  let upstream: EventsUpstream;
  let port: number;
  const at = (path: string): string => `http://127.0.0.1:${port}${path}`;

  before(async () => {
    upstream = await startEvents(scope);
    const hasty = { request: '1s', idle: '1s', backendRequest: '1s', responseHead: '1s' };
    const on = { service: 'events' };
    const rewritten = (name: string, spec: object) =>
      route(name, '/', 'events', { hosts: [`${name}.test`], backends: [on], ...spec });
    system = await startSystem(scope, {
      resources: [
        gateway(),
        service('events', [upstream.port]),
        service('gone', [1]),
        route('events', '/', 'events'),
        route('gone', '/gone', 'gone'),
        rewritten('hasty', { timeouts: hasty }),
        rewritten('idle', { timeouts: { streamIdle: '1s' } }),
        rewritten('silent', { timeouts: { streamIdle: '1s' }, sse: { keepAlive: `${keepAliveMs}ms` } }),
        rewritten('alive', { sse: { keepAlive: `${keepAliveMs}ms` } }),
      ],
    });
    port = await system.nodes[0]!.trafficPort();
  });
  after(() => scope.end());

  const untilOpen = (count: number): Promise<unknown> =>
    eventually(() => upstream.streams.length === count, { what: `${count} streams are open` });

  for (const path of ['/events', '/ndjson', '/events?framing=close', '/ndjson?framing=close']) {
    it(`forwards each chunk of ${path} as it comes, and as it is`, async (t) => {
      const stream = await openEventStream(t, at(path), { headers: { 'accept-encoding': 'gzip, br' } });
      assert.equal(stream.status, 200);
      assert.match(String(stream.headers['content-type']), /event-stream|ndjson/);
      assert.deepEqual(
        [
          stream.headers['content-encoding'],
          stream.headers['content-length'],
          stream.headers['cache-control'],
        ],
        [undefined, undefined, 'no-cache'],
      );
      const chunks = ['data: one\n\n', 'da', 'ta: tw', 'o\n', '\n', '{"a":1}\n', '\r', '\n: c\r\n\r\n'];
      for (const chunk of chunks) {
        await upstream.send(chunk);
        // The next is sent when this one is there: nothing waits for more.
        assert.equal(await stream.nextChunk(), chunk);
      }
      upstream.endAll();
      assert.equal(await stream.ended(), 'end');
      await untilOpen(0);
    });
  }

  it('goes to clients of HTTP/2 in the same way', async (t) => {
    const session = connect(at(''));
    t.after(() => session.destroy());
    const stream = session.request({ ':path': '/events' });
    const [fields] = (await once(stream, 'response')) as [Record<string, unknown>];
    assert.deepEqual([fields[':status'], fields['content-type']], [200, 'text/event-stream']);
    for (const chunk of ['data: 1\n', '\n', 'data: 2\n\n']) {
      const next = once(stream, 'data');
      await upstream.send(chunk);
      assert.equal(String(((await next) as [Buffer])[0]), chunk);
    }
    const leftMs = performance.now();
    stream.close();
    await untilOpen(0);
    assert.ok(performance.now() - leftMs < leaveMsMax);
  });

  it('passes the query, Last-Event-ID and a body', async (t) => {
    const stream = await openEventStream(t, at('/events?topic=a%20b'), {
      headers: { 'last-event-id': '41', accept: 'text/event-stream' },
      method: 'POST',
    });
    const [open] = upstream.streams;
    const { target, headers } = open!;
    assert.deepEqual([target, headers['last-event-id']], ['/events?topic=a%20b', '41']);
    stream.leave();
    await untilOpen(0);
  });

  it('is over at the upstream within a second of the client leaving, also when nothing is sent', async (t) => {
    const paths = ['/events', '/events', '/events?framing=close', '/ndjson'];
    const streams = await Promise.all(paths.map((path) => openEventStream(t, at(path))));
    await untilOpen(paths.length);
    const leftMs = performance.now();
    for (const stream of streams) stream.leave();
    await untilOpen(0);
    const tookMs = performance.now() - leftMs;
    assert.ok(tookMs < leaveMsMax, `${tookMs} ms`);
  });

  it('that the upstream cuts is cut for the client', async (t) => {
    const stream = await openEventStream(t, at('/events'));
    await upstream.send('data: 1\n\n');
    await stream.next();
    upstream.destroyAll();
    assert.equal(await stream.ended(), 'cut');
  });

  it('is an error where the upstream answers with one, and where there is none', async (t) => {
    for (const status of [500, 502, 503]) {
      const refused = await openEventStream(t, at(`/status/${status}`));
      assert.deepEqual([refused.status, refused.headers['content-type']], [status, 'text/plain']);
      assert.equal(await refused.nextChunk(), `status ${status}`);
    }
    assert.equal((await openEventStream(t, at('/gone'))).status, 502);
  });

  it('outlives the time limits of ordinary answers', async (t) => {
    const streams = await Promise.all(
      ['/events', '/ndjson'].map((path) => openEventStream(t, at(path), { headers: { host: 'hasty.test' } })),
    );
    await sleep(2500);
    await upstream.send('data: late\n\n');
    for (const stream of streams) {
      assert.equal(await stream.nextChunk(), 'data: late\n\n');
    }
    upstream.endAll();
    await untilOpen(0);
  });

  it('ends when nothing has come for as long as the Route says of streams', async (t) => {
    const stream = await openEventStream(t, at('/events'), { headers: { host: 'idle.test' } });
    await sleep(600);
    await upstream.send('data: 1\n\n');
    await stream.next();
    await sleep(600);
    assert.equal(stream.isOver, false);
    await stream.ended();
    await untilOpen(0);
  });

  it('is kept alive by comments, between events alone', async (t) => {
    const stream = await openEventStream(t, at('/events'), { headers: { host: 'alive.test' } });
    assert.ok('comment' in (await stream.next()));
    for (const [half, rest] of [
      ['data: a', 'b\n\n'],
      ['data: ab\n', '\n'],
      ['id: 7\r\ndata: ab\r\n', '\r\n'],
      ['\uFEFFdata: ab', '\n\n'],
      ['data: ab\n\ndata: c', 'd\n\n'],
      [': a comment of its ow', 'n\n\n'],
    ] as const) {
      await upstream.send(half);
      await eventually(() => stream.text.endsWith(half), { what: 'the half is there' });
      await sleep(3 * keepAliveMs);
      assert.ok(stream.text.endsWith(half), `within ${JSON.stringify(half)}: ${stream.text}`);
      await upstream.send(rest);
      await eventually(() => stream.text.includes(half + rest), { what: 'the rest is there' });
      const behind = (): string =>
        stream.text.slice(stream.text.lastIndexOf(half + rest) + (half + rest).length);
      await eventually(() => behind().startsWith(':'), { what: 'a comment behind it' });
    }
    stream.leave();
    await untilOpen(0);
  });

  it('that says nothing is idle, whatever comments are put into it', async (t) => {
    const stream = await openEventStream(t, at('/events'), { headers: { host: 'silent.test' } });
    assert.ok('comment' in (await stream.next()));
    await stream.ended();
    await untilOpen(0);
  });

  it('of records gets no comments', async (t) => {
    const records = await openEventStream(t, at('/ndjson'), { headers: { host: 'alive.test' } });
    await upstream.send('{}\n');
    assert.equal(await records.nextChunk(), '{}\n');
    await sleep(3 * keepAliveMs);
    assert.equal(records.text, '{}\n');
    upstream.endAll();
    assert.equal(await records.ended(), 'end');
  });

  it('is counted while it is open', async (t) => {
    const streams = [await openEventStream(t, at('/events')), await openEventStream(t, at('/ndjson'))];
    const counted = (kind: string, count: number) =>
      eventually(() => scrape(system.nodes[0]!), {
        what: `${count} of ${kind}`,
        until: (now) => now.sum('causeway_streams', { kind }) === count,
      });
    await counted('events', 1);
    await counted('records', 1);
    upstream.endAll();
    await Promise.all(streams.map((stream) => stream.ended()));
    await counted('events', 0);
    await counted('records', 0);
  });
});
