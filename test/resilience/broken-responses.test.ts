// D1: an upstream that dies within its response. A client must be able to see that what it has is not all.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { parseResponse } from '../kit/raw-response.ts';
import { seed, seededRandom } from '../kit/seeded-random.ts';
import {
  bodyKinds,
  type BreakingUpstream,
  endings,
  startBreaking,
  wholeResponse,
} from './breaking-upstream.ts';
import { scaled } from './scale.ts';
import { startRoutes } from './start-routes.ts';

const runs = scaled(400, 10_000);
const sideBySide = 8;
/** A client that waits for so long has not been told. */
const hangMs = 10_000;

test(`${runs} responses that break off never look whole, and their connections are not used again`, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const upstream = await startBreaking(t);
  const { node, port } = await startRoutes(t, { '': { port: upstream.port } });
  const random = seededRandom(seed);
  let left = runs;
  const statuses = new Map<number, number>();
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const target = brokenTarget(random);
      const status = await assertVisible(port, target);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      // Another request, so that a connection that was kept in error would be used.
      if (random() < 0.5) assert.equal(await statusOf(port, '/ok'), 200, `after ${target}`);
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  assertAllSeen(upstream, statuses);
  const metrics = await scrape(node);
  assert.equal(metrics.sum('causeway_requests_total', { reason: 'internal' }), 0);
  await eventually(() => scrape(node), {
    what: 'no exchange is left over',
    until: (now) => now.value('http_server_active_requests') === 0,
  });
  t.diagnostic(`statuses ${JSON.stringify(Object.fromEntries(statuses))}`);
});

/** Cut anywhere from before the first byte to before the last; a FIN at the end of a body without a length would be in order. */
function brokenTarget(random: () => number): string {
  const kind = bodyKinds[Math.floor(random() * bodyKinds.length)]!;
  const ending = kind === 'untilClose' ? 'rst' : endings[Math.floor(random() * endings.length)]!;
  const whole = wholeResponse(kind).length;
  const near = [0, 20, whole - 5, whole - 1][Math.floor(random() * 8)];
  return `/${kind}/${ending}/${near ?? Math.floor(random() * whole)}`;
}

/** The status that the client saw. Throws when what it got looks like a whole 200, or its connection stays open. */
async function assertVisible(port: number, target: string): Promise<number> {
  const received = await exchange(port, target);
  const looksWhole = isWhole([received]);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(received.toString('latin1'))?.[1] ?? 0);
  assert.ok(
    looksWhole === (status === 502),
    `${target}: ${status} ${looksWhole ? 'looks whole' : 'is cut off'}`,
  );
  assert.ok(status === 200 || status === 502, `${target}: ${status}`);
  if (status === 200) assertHasFraming(received, target);
  return status;
}

/** A body without framing would end in order with the connection, whatever is missing. */
function assertHasFraming(received: Buffer, target: string): void {
  const head = received.toString('latin1', 0, received.indexOf('\r\n\r\n'));
  assert.match(head, /^(content-length|transfer-encoding):/im, target);
}

async function statusOf(port: number, target: string): Promise<number> {
  return Number((await exchange(port, target, 'close')).toString('latin1', 9, 12));
}

/** Everything up to the end of the connection. A whole response may keep it open, so the client ends it when it has read one. */
async function exchange(port: number, target: string, connection = 'keep-alive'): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (isWhole(chunks)) socket.end();
  });
  // An RST is a visible end.
  socket.on('error', () => {});
  socket.write(`GET ${target} HTTP/1.1\r\nhost: a.test\r\nconnection: ${connection}\r\n\r\n`);
  const { promise: late, reject } = Promise.withResolvers<never>();
  socket.setTimeout(hangMs, () => {
    socket.destroy();
    reject(new Error(`${target}: no end of the connection within ${hangMs} ms of ${describe(chunks)}`));
  });
  await Promise.race([once(socket, 'close'), late]);
  return Buffer.concat(chunks);
}

function describe(chunks: readonly Buffer[]): string {
  const received = Buffer.concat(chunks);
  return `${received.length} bytes: ${JSON.stringify(received.toString('latin1', 0, 200))}`;
}

function isWhole(chunks: readonly Buffer[]): boolean {
  return parseResponse(Buffer.concat(chunks)) !== undefined;
}

function assertAllSeen(upstream: BreakingUpstream, statuses: ReadonlyMap<number, number>): void {
  assert.equal(upstream.reused, 0, 'a connection was used again after its response had broken off');
  assert.ok(upstream.broken >= runs, `${upstream.broken} responses were broken off`);
  const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(total, runs);
  assert.ok((statuses.get(200) ?? 0) > runs / 2, 'most responses begin before they break');
}
