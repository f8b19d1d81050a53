// D1 for upstreams of HTTP/2: whatever ends a response before its end, a client of either version can see that what it has is not all.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { answeringUpstream, type FrameConnection } from '@causeway/data-plane/testing/frame-upstream';
import { data, ErrorCode, goaway, headers, reset } from '@causeway/data-plane/testing/http2-frames';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { parseResponse } from '../kit/raw-response.ts';
import { seed, seededRandom } from '../kit/seeded-random.ts';
import { scaled } from './scale.ts';
import { startRoutes } from './start-routes.ts';

const runs = scaled(400, 10_000);
const sideBySide = 8;
/** A client that waits for so long has not been told. */
const hangMs = 10_000;
/** Bytes of every body, had it been whole. */
const bodyBytes = 60_000;
/** Lets the bytes before the break arrive. */
const settleMs = 5;

type Ending = (connection: FrameConnection, stream: number) => void;

const endings: readonly Ending[] = [
  ...[ErrorCode.none, ErrorCode.cancel, ErrorCode.internal, ErrorCode.refused].map(
    (code): Ending =>
      (connection, stream) =>
        connection.send(reset(stream, code)),
  ),
  (connection) => connection.send(goaway(0, ErrorCode.internal)),
  (connection) => void connection.socket.end(),
  // One that is ending already the runtime can never close by a reset.
  ({ socket }) => void (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy()),
];

test(`${runs} responses of HTTP/2 that break off never look whole`, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  let broken = 0;
  const upstream = await answeringUpstream(t, (connection, stream) => {
    broken += 1;
    const length = random() < 0.5 ? [['content-length', String(bodyBytes)] as const] : [];
    const sent = Math.floor(random() * bodyBytes);
    if (random() < 0.9) connection.send(headers(stream, [[':status', '200'], ...length], 0));
    if (random() < 0.9)
      for (let at = 0; at < sent; at += 10_000)
        connection.send(data(stream, Buffer.alloc(Math.min(10_000, sent - at), 'x')));
    const end = pick(endings);
    setTimeout(() => end(connection, stream), random() < 0.5 ? settleMs : 0);
  });
  const { node, port } = await startRoutes(t, { '': { port: upstream.port, service: { protocol: 'h2c' } } });
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const outcomes = new Map<string, number>();
  let left = runs;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const outcome = await (random() < 0.5 ? askHttp1(port) : askHttp2(session));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  t.diagnostic(`${JSON.stringify(Object.fromEntries(outcomes))}, ${broken} responses`);
  assert.deepEqual([...outcomes.keys()].toSorted(), [
    'http1 502',
    'http1 cut off',
    'http2 502',
    'http2 cut off',
  ]);
  const metrics = await scrape(node);
  assert.equal(metrics.sum('causeway_requests_total', { reason: 'internal' }), 0);
  await eventually(() => scrape(node), {
    what: 'no exchange is left over',
    until: (now) => now.value('http_server_active_requests') === 0,
  });
});

async function askHttp1(port: number): Promise<string> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  let received: Buffer = Buffer.alloc(0);
  const status = (): number | undefined => parseResponse(received)?.response.status;
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (status() !== undefined) socket.end();
  });
  // An RST is a visible end.
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nhost: a.test\r\n\r\n');
  await inTime(once(socket, 'close'));
  return `http1 ${status() ?? 'cut off'}`;
}

async function askHttp2(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/' });
  let status: unknown;
  stream.on('response', (fields) => {
    status = fields[':status'];
  });
  stream.on('error', () => {});
  stream.resume();
  await inTime(new Promise((resolve) => void stream.once('close', resolve)));
  return `http2 ${stream.rstCode === ErrorCode.none ? String(status) : 'cut off'}`;
}

async function inTime(end: Promise<unknown>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end within ${hangMs} ms`)), hangMs);
  await Promise.race([end, late]).finally(() => clearTimeout(timer));
}
