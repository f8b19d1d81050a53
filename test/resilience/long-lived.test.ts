// Invariant 12, the long half: WebSockets and event streams live through any number of swaps, and what they cost stays what it was.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../kit/eventually.ts';
import { openEventStream, type EventStream } from '../kit/event-stream.ts';
import { type Load, startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { residentBytes } from '../kit/process-cost.ts';
import { startSystem, type System } from '../kit/processes.ts';
import { gateway, type Resource, route, service } from '../kit/resources.ts';
import { startCounting } from '../kit/upstreams/counting.ts';
import { startEvents } from '../kit/upstreams/events.ts';
import { startWebSocket } from '../kit/upstreams/websocket.ts';
import { openWebSocket, type WebSocketClient } from '../kit/websocket-client.ts';
import { scaled } from './scale.ts';

const webSocketCount = scaled(100, 1000);
const streamCount = scaled(20, 200);
const swaps = scaled(60, 1000);
/** Until then code is compiled and pools fill. */
const warmUpSwaps = scaled(20, 100);
/** A minute is too short for the heap to come to its size. */
const growthMax = scaled(0.4, 0.1);
const timeoutMs = scaled(120_000, 1_200_000);
const eventEveryMs = 100;
/** Of the load: requests of another Route, whose answers a swap must not fail either. */
const pauseMs = 10;
/** Opened side by side. */
const batch = 100;

describe('what lives long', () => {
  test(`invariant 12: ${webSocketCount} WebSockets and ${streamCount} event streams live through ${swaps} swaps under load`, {
    timeout: timeoutMs,
  }, async (t) => {
    const { system, port, load } = await started(t);
    const node = system.nodes[0]!;
    const webSockets = await opened(webSocketCount, () => openWebSocket(t, `ws://127.0.0.1:${port}/chat`));
    const streams = await opened(streamCount, () =>
      openEventStream(t, `http://127.0.0.1:${port}/count?everyMs=${eventEveryMs}`),
    );
    const talking = new AbortController();
    const talk = talkUntil(talking.signal, webSockets);
    const sizes: number[] = [];
    for (let swap = 1; swap <= swaps; swap += 1) {
      await system.apply(resourcesOf(swap));
      if (swap > warmUpSwaps) sizes.push(residentBytes(node.child.pid));
    }
    talking.abort();
    const talked = await talk;
    const { ok, failed, reasons } = await load.stop();
    assert.deepEqual([failed, reasons], [0, {}]);
    await assertAllLive(webSockets, streams);
    const metrics = await eventually(() => scrape(node), {
      what: 'no table is left behind',
      until: (now) => now.sum('causeway_tables_retired') === 0,
    });
    assert.equal(metrics.sum('causeway_streams'), webSocketCount + streamCount);
    assert.equal(metrics.sum('causeway_streams_ended_total'), 0);
    const growth = growthOf(sizes);
    const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
    t.diagnostic(`${talked} messages echoed, ${ok} requests, RSS ${mebibytes(sizes.at(-1)!)} MiB`);
    t.diagnostic(`RSS grew by ${(100 * growth).toFixed(1)} % after the first ${warmUpSwaps} swaps`);
    assert.ok(growth < growthMax, `RSS grew by ${(100 * growth).toFixed(1)} %`);
  });
});

async function started(t: TestContext): Promise<{ system: System; port: number; load: Load }> {
  const [chat, events, other] = [await startWebSocket(t), await startEvents(t), await startCounting(t)];
  const system = await startSystem(t, {
    resources: [
      gateway(),
      service('chat', [chat.port]),
      service('events', [events.port]),
      service('other', [other.port]),
      ...resourcesOf(0),
    ],
  });
  const port = await system.nodes[0]!.trafficPort();
  const request = 'GET /other HTTP/1.1\r\nhost: a.test\r\n\r\n';
  return { system, port, load: startLoad(t, { port, request, connections: 4, pauseMs }) };
}

/** Each swap changes the Routes of those that live, beside another one. */
function resourcesOf(swap: number): Resource[] {
  const priority = swap % 100;
  return [
    route('chat', '/chat', 'chat', { priority }),
    route('count', '/count', 'events', { priority }),
    route('other', '/other', 'other', { timeouts: { request: `${60 + priority}s` } }),
  ];
}

async function opened<T>(count: number, open: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(batch, count - all.length) }, open);
    all.push(...(await Promise.all(some)));
  }
  return all;
}

/** Has one after the other say something, and hear it. */
async function talkUntil(over: AbortSignal, webSockets: readonly WebSocketClient[]): Promise<number> {
  let talked = 0;
  for (; !over.aborted; talked += 1) {
    const message = `message ${talked}`;
    assert.equal(await webSockets[talked % webSockets.length]!.ask(message), message);
    await sleep(1);
  }
  return talked;
}

async function assertAllLive(
  webSockets: readonly WebSocketClient[],
  streams: readonly EventStream[],
): Promise<void> {
  assert.equal(webSockets.filter(({ isOver }) => isOver).length, 0, 'WebSockets that were dropped');
  assert.equal(streams.filter(({ isOver }) => isOver).length, 0, 'streams that were dropped');
  const answers = await Promise.all(webSockets.map((each) => each.ask('still here')));
  assert.deepEqual(new Set(answers), new Set(['still here']));
  for (const { text } of streams) {
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    assert.ok(ids.length > 1);
    assert.ok(
      ids.every((id, index) => id === index + 1),
      `events are missing among ${ids.length}`,
    );
  }
}

/** From the first tenth to the last. */
function growthOf(sizes: readonly number[]): number {
  const tenth = Math.ceil(sizes.length / 10);
  const mean = (some: readonly number[]): number => some.reduce((sum, size) => sum + size, 0) / some.length;
  return mean(sizes.slice(-tenth)) / mean(sizes.slice(0, tenth)) - 1;
}
