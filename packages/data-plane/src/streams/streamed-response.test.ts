import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Filter } from '@causeway/filters/filter';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { aloneShared } from '../counts/node-shared.ts';
import type { ProxyNodeOptions } from '../node.ts';
import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import { tickMs, TimerWheel } from '../proxy/timer-wheel.ts';
import { Client } from '../testing/client-fixture.ts';
import { exchangeRecord } from '../testing/exchange-records.ts';
import { until } from '../testing/http-client.ts';
import {
  endpoints,
  gatewayItem,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
} from '../testing/node-fixture.ts';
import { startRaw } from '../testing/raw-upstream.ts';
import { startRelay } from '../testing/relay-fixture.ts';
import type { RouteEntry } from '../table/route-entry.ts';
import { Expiry } from './expiry.ts';
import type { StreamAdmission } from './live-stream.ts';
import { LiveStreams } from './live-streams.ts';
import { type StreamedFacts, type StreamedRelay, StreamedResponse } from './streamed-response.ts';

const lateMs = 2 * tickMs;

class FakeRelay implements StreamedRelay {
  readonly record: ExchangeRecord = exchangeRecord({ ended: undefined });
  isBehind = false;
  text = '';
  ends = 0;
  cuts = 0;
  flushes = 0;
  onEnd: () => void = () => {};

  sendStreamBytes(bytes: Buffer): boolean {
    this.text += bytes.toString();
    return !this.isBehind;
  }

  flushStream(): void {
    this.flushes += 1;
  }

  endStream(): void {
    this.ends += 1;
    this.onEnd();
  }

  cutStream(): void {
    this.cuts += 1;
  }
}

interface Given extends Partial<StreamedFacts> {
  readonly expiresInMs?: number;
}

function start({ expiresInMs, ...more }: Given = {}, random: () => number = () => 0) {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const streams = new LiveStreams(clock, aloneShared().slices, random);
  const context = {
    clock,
    wheel,
    streams,
    logger: createLogger({ level: 'error' }),
  } as unknown as ProxyContext;
  const relay = new FakeRelay();
  const expiry =
    expiresInMs === undefined
      ? undefined
      : new Expiry(clock, { expiresAtMs: clock.wallMs() + expiresInMs, renew: () => false }, 0);
  const admission = { judge: () => undefined } as unknown as StreamAdmission;
  const facts = { kind: 'events', admission, keepAliveMs: 0, isEncoded: false, expiry, ...more } as const;
  const stream = new StreamedResponse(context, relay, facts);
  // As the relay does when all is out.
  relay.onEnd = () => {
    stream.end();
    if (!relay.isBehind) stream.close();
  };
  const take = (text: string): boolean => stream.take(Buffer.from(text));
  const isOver = (): boolean =>
    streams.list({ limit: 1 }, 0).total === 0 && stream.wheelPrevious === undefined;
  return { clock, streams, relay, stream, take, isOver };
}

describe('a comment', () => {
  it('is put between events when nothing has come for so long, and again', () => {
    const { clock, relay, take } = start({ keepAliveMs: 15_000 });
    take('data: a\n\n');
    clock.advance(14_900);
    assert.equal(relay.text, 'data: a\n\n');
    clock.advance(lateMs);
    assert.equal(relay.text, 'data: a\n\n:\n\n');
    assert.equal(relay.flushes, 1);
    clock.advance(15_000 + lateMs);
    take('data: b\n\n');
    clock.advance(10_000);
    assert.equal(relay.text, 'data: a\n\n:\n\n:\n\ndata: b\n\n');
  });

  it('is never put into an event, however long that takes', () => {
    const { clock, relay, take } = start({ keepAliveMs: 1000 });
    for (const piece of ['da', 'ta: a', '\n', 'data: b\r', '\n']) {
      take(piece);
      clock.advance(5000);
    }
    assert.equal(relay.text, 'data: a\ndata: b\r\n');
    take('\n');
    clock.advance(1000 + lateMs);
    assert.equal(relay.text, 'data: a\ndata: b\r\n\n:\n\n');
  });

  it('is kept from a client that is behind', () => {
    const { clock, relay, take } = start({ keepAliveMs: 1000 });
    relay.isBehind = true;
    take('data: a\n\n');
    clock.advance(5000);
    assert.equal(relay.text, 'data: a\n\n');
    relay.isBehind = false;
    clock.advance(1000 + lateMs);
    assert.equal(relay.text, 'data: a\n\n:\n\n');
  });

  it('is not put into what is encoded, nor into records, nor behind the end', () => {
    for (const more of [{ isEncoded: true }, { kind: 'records' as const }]) {
      const { clock, relay, take } = start({ keepAliveMs: 1000, ...more });
      take('a\n\n');
      clock.advance(100_000);
      assert.equal(relay.text, 'a\n\n');
      assert.equal(clock.pendingTimers, 0);
    }
    const { clock, relay, take, stream } = start({ keepAliveMs: 1000 });
    take('data: a\n\n');
    stream.end();
    clock.advance(100_000);
    assert.equal(relay.text, 'data: a\n\n');
  });

  it('costs no timer when none is asked for', () => {
    assert.equal(start().clock.pendingTimers, 0);
  });
});

describe('an event stream that is condemned', () => {
  it('ends at its time with the time to come back', () => {
    for (const [share, retry] of [
      [0, 1000],
      [0.5, 3000],
      [0.9999, 4999],
    ] as const) {
      const { clock, relay, take, stream, isOver } = start({}, () => share);
      take('data: a\n\n');
      stream.condemn('routeGone', 5000, 10_000);
      clock.advance(4900);
      assert.equal(relay.ends, 0);
      clock.advance(lateMs);
      assert.equal(relay.text, `data: a\n\nretry: ${retry}\n\n`);
      assert.equal(relay.record.ended, 'routeGone');
      assert.ok(isOver());
      clock.advance(20_000);
      assert.deepEqual([relay.ends, relay.cuts], [1, 0]);
    }
  });

  it('waits for the end of an event, and drops what is behind it', () => {
    const { clock, relay, take, stream, isOver } = start();
    take('data: a');
    stream.condemn('drained', 0, 10_000);
    clock.advance(lateMs);
    assert.equal(relay.ends, 0);
    assert.equal(take('b\ndata: c\n'), true);
    assert.equal(relay.ends, 0);
    take('\ndata: dropped\n\n');
    assert.equal(relay.text, 'data: ab\ndata: c\n\nretry: 1000\n\n');
    assert.ok(isOver());
  });

  it('is cut at the deadline when the event does not end', () => {
    const { clock, relay, take, stream, isOver, streams } = start();
    take('data: a');
    stream.condemn('drained', 0, 10_000);
    clock.advance(10_000 + lateMs);
    assert.deepEqual([relay.ends, relay.cuts, relay.text], [0, 1, 'data: a']);
    assert.equal(relay.record.ended, 'drained');
    assert.ok(isOver());
    assert.equal(streams.drained, 0);
  });

  it('is counted when it has been told that its worker ends', () => {
    const { clock, stream, streams } = start();
    stream.condemn('drained', 0, 10_000);
    clock.advance(lateMs);
    assert.equal(streams.drained, 1);
  });

  it('is cut at the deadline when its client does not take the end', () => {
    const { clock, relay, take, stream, isOver } = start();
    relay.isBehind = true;
    assert.equal(take('data: a\n\n'), false);
    stream.condemn('routeGone', 0, 10_000);
    clock.advance(lateMs);
    assert.deepEqual([relay.ends, relay.cuts], [1, 0]);
    assert.equal(isOver(), false);
    clock.advance(10_000);
    assert.deepEqual([relay.ends, relay.cuts], [1, 1]);
    assert.ok(isOver());
  });

  it('is so for the first reason that there is', () => {
    const { clock, relay, stream } = start();
    stream.condemn('routeGone', 5000, 10_000);
    stream.condemn('drained', 0, 0);
    clock.advance(4000);
    assert.equal(relay.ends, 0);
    clock.advance(1000 + lateMs);
    assert.equal(relay.record.ended, 'routeGone');
  });

  it('gets nothing more when its upstream has ended it', () => {
    const { clock, relay, take, stream } = start();
    relay.isBehind = true;
    take('data: a\n\n');
    stream.end();
    stream.condemn('routeGone', 0, 10_000);
    clock.advance(5000);
    assert.deepEqual([relay.text, relay.ends], ['data: a\n\n', 0]);
    clock.advance(5000 + lateMs);
    assert.equal(relay.cuts, 1);
  });
});

describe('records and encoded events', () => {
  it('have until the deadline to end by themselves, and are cut', () => {
    for (const more of [{ isEncoded: true }, { kind: 'records' as const }]) {
      const { clock, relay, take, stream, isOver } = start(more);
      stream.condemn('routeGone', 0, 10_000);
      for (let count = 0; count < 9; count += 1) {
        clock.advance(1000);
        take('a\n\n');
      }
      assert.deepEqual([relay.ends, relay.cuts], [0, 0]);
      clock.advance(1000 + lateMs);
      assert.deepEqual([relay.ends, relay.cuts, relay.text], [0, 1, 'a\n\n'.repeat(9)]);
      assert.ok(isOver());
    }
  });
});

describe('what let a stream in', () => {
  it('ends events at the next gap when it has expired, and cuts what has none', () => {
    const events = start({ expiresInMs: 60_000 });
    events.clock.advance(60_000 - tickMs);
    assert.equal(events.relay.ends, 0);
    events.clock.advance(lateMs + tickMs);
    assert.deepEqual([events.relay.ends, events.relay.record.ended], [1, 'expired']);
    const records = start({ kind: 'records', expiresInMs: 60_000 });
    records.clock.advance(64_900);
    assert.equal(records.relay.cuts, 0);
    records.clock.advance(100 + 2 * lateMs);
    assert.deepEqual([records.relay.cuts, records.relay.record.ended], [1, 'expired']);
  });
});

/** An upstream of raw bytes behind a node, and the sockets that it has been asked on. */
async function rawStream(
  context: TestContext,
  head: string,
  route: Parameters<typeof routeItem>[2] = {},
  options: Partial<ProxyNodeOptions> = {},
): Promise<{ fixture: NodeFixture; send: (text: string) => void; client: Client }> {
  const sockets: { write(text: string): void }[] = [];
  const port = await startRaw(context, (socket) => {
    socket.on('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
      sockets.push(socket);
    });
  });
  const items = [gatewayItem({ timeouts: { drainMs: 1000 } }), serviceItem('a'), routeItem('a', '/', route)];
  const fixture = await startNode(context, { items, endpoints: [endpoints('a', [port])] }, options);
  const client = new Client(context, fixture.port());
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until('the head', () => client.received.includes('\r\n\r\n'));
  return { fixture, send: (text) => sockets.at(-1)!.write(text), client };
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const type = 'Content-Type: text/event-stream';
const body = (client: Client): string => client.received.slice(client.received.indexOf('\r\n\r\n') + 4);

describe('an event stream of a node', () => {
  it('is one response of its framing, comments and end included', async (context) => {
    const { fixture, send, client } = await rawStream(context, `${type}\r\nTransfer-Encoding: chunked`, {
      eventsKeepAliveMs: 100,
    });
    send(chunk('data: a\n\n'));
    await until('a comment', () => body(client).endsWith(chunk(':\n\n')));
    await fixture.apply({ removedKeys: ['route/default/a'] });
    await until('the end', () => client.received.endsWith('0\r\n\r\n'));
    assert.match(body(client), /^9\r\ndata: a\n\n\r\n(3\r\n:\n\n\r\n)+d\r\nretry: 1000\n\n\r\n0\r\n\r\n$/);
    await until('all is over', () => fixture.node.streams.counts.events === 0);
    await client.send('GET /gone HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the next answer', () => client.statuses.length === 2);
    assert.deepEqual(client.statuses, ['200', '404']);
  });

  it('with a length is a body like others', async (context) => {
    const { fixture, send, client } = await rawStream(context, `${type}\r\nContent-Length: 18`, {
      eventsKeepAliveMs: 50,
    });
    send('data: a\n\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(fixture.node.streams.counts.events, 0);
    send('data: b\n\n');
    await until('all of it', () => body(client) === 'data: a\n\ndata: b\n\n');
  });

  it('that is encoded has nothing put into it', async (context) => {
    const { fixture, send, client } = await rawStream(
      context,
      `${type}\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked`,
      { eventsKeepAliveMs: 50 },
    );
    send(chunk('x\n\n'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(body(client), chunk('x\n\n'));
    await fixture.apply({ removedKeys: ['route/default/a'] });
    await until('the cut', () => client.isClosed || client.isEnded);
    assert.equal(body(client), chunk('x\n\n'));
  });

  it('may pass through filters that make another body of it, and ends between what they make', async (context) => {
    const ended: unknown[] = [];
    const filter: Filter = {
      kind: 'test',
      name: 'f',
      onResponseHead: () => 'takesBody',
      onResponseChunk: async (bytes) => Buffer.concat([Buffer.from('id: 1\n'), bytes]),
      onEnd: (_, { status }) => void ended.push(status),
    };
    const item = { name: 'f', phase: 1, item: { case: 'faultInjection' as const, value: { percent: 0 } } };
    const { fixture, send, client } = await rawStream(
      context,
      `${type}\r\nTransfer-Encoding: chunked`,
      { filters: [item] },
      { buildFilter: () => filter },
    );
    send(chunk('data: a\n\n'));
    await until('the event', () => body(client).endsWith(chunk('id: 1\ndata: a\n\n')));
    await fixture.apply({ items: [routeItem('a', '/elsewhere', { filters: [item] })] });
    send(chunk('data: b\n'));
    await until('the half', () => body(client).endsWith(chunk('id: 1\ndata: b\n')));
    await fixture.apply({ removedKeys: ['route/default/a'] });
    await new Promise((resolve) => setTimeout(resolve, 120));
    assert.ok(body(client).endsWith(chunk('id: 1\ndata: b\n')));
    assert.deepEqual(ended, []);
    send(chunk('\n'));
    // The filter begins a line of its own, and another event ends.
    send(chunk('\n'));
    await until('the end', () => client.received.endsWith('0\r\n\r\n'));
    assert.match(body(client), /\n\n\r\nd\r\nretry: 1000\n\n\r\n0\r\n\r\n$/);
    assert.deepEqual(ended, [200]);
    await until('all is over', () => fixture.node.streams.counts.events === 0);
    assert.equal(fixture.node.retiredTables, 0);
  });
});

describe('a response that is complete, and whose client is behind', () => {
  it('gets nothing behind its end when it is condemned, and is cut at the deadline', (context) => {
    const fixture = startRelay(context, {});
    const { clock, client, relay, record, streams } = fixture;
    relay.route = { streams: { eventsKeepAliveMs: 1000, expiryGraceMs: 0 } } as RouteEntry;
    client.isStuck = true;
    fixture.answer('text/event-stream');
    relay.onUpstreamChunk(Buffer.from('data: a\n\n'));
    relay.onUpstreamEnd();
    assert.equal(client.isEnded, true);
    const { bytes } = client;
    streams.drain(10_000);
    clock.advance(9900);
    assert.deepEqual([client.bytes, client.wasReset], [bytes, false]);
    clock.advance(100 + lateMs);
    assert.deepEqual([client.bytes, client.wasReset, record.ended], [bytes, true, 'drained']);
    assert.deepEqual(streams.counts, { webSockets: 0, events: 0, records: 0 });
  });
});
