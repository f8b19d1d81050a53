import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import { eventually } from './eventually.ts';
import { startLoad } from './load.ts';
import { startCounting } from './upstreams/counting.ts';
import { listen } from './upstreams/listen.ts';
import { startReset } from './upstreams/reset.ts';
import { startSlow } from './upstreams/slow.ts';

const request = 'GET / HTTP/1.1\r\nhost: test\r\n\r\n';

/** An upstream whose n-th answer is `answer(n)`. */
async function startScripted(
  t: TestContext,
  answer: (n: number) => { status: number; close: boolean },
): Promise<number> {
  let n = 0;
  const server = createServer((_, response) => {
    const { status, close } = answer(n);
    n += 1;
    response.writeHead(status, { 'content-length': 0, ...(close ? { connection: 'close' } : {}) }).end();
  });
  return listen(t, server);
}

test('every request that the upstream saw is counted, and stopping loses none', async (t) => {
  const upstream = await startCounting(t);
  const load = startLoad(t, { port: upstream.port, request, connections: 4 });
  await eventually(() => load.result.ok > 100, { what: '100 answers' });
  const result = await load.stop();
  assert.deepEqual(result, { ok: upstream.total, failed: 0, reasons: {} });
});

test('answers of another status are failures by their status', async (t) => {
  const port = await startScripted(t, (n) => ({ status: n % 2 === 0 ? 200 : 503, close: false }));
  const load = startLoad(t, { port, request, connections: 1 });
  await eventually(() => load.result.failed >= 5, { what: '5 failures' });
  const { ok, failed, reasons } = await load.stop();
  assert.ok(ok === failed || ok === failed + 1, `${ok} ok, ${failed} failed`);
  assert.deepEqual(reasons, { 'status 503': failed });
});

test('a connection that is closed after an announcement is no failure', async (t) => {
  const port = await startScripted(t, () => ({ status: 200, close: true }));
  const load = startLoad(t, { port, request, connections: 2 });
  await eventually(() => load.result.ok >= 10, { what: '10 answers' });
  assert.equal((await load.stop()).failed, 0);
});

test('a broken connection is a failure with its reason, and the load goes on', async (t) => {
  const upstream = await startReset(t, 'beforeHead');
  const load = startLoad(t, { port: upstream.port, request, connections: 1 });
  await eventually(() => load.result.failed >= 3, { what: '3 failures' });
  const { ok, failed, reasons } = await load.stop();
  assert.equal(ok, 0);
  assert.deepEqual(reasons, { 'connection failed before its first answer: ECONNRESET': failed });
});

test('latencies lie between the fastest and the slowest answer', async (t) => {
  const upstream = await startSlow(t, { headDelayMs: 50 });
  const load = startLoad(t, { port: upstream.port, request, connections: 2 });
  await eventually(() => load.result.ok >= 10, { what: '10 answers' });
  await load.stop();
  assert.ok(load.latencyMs(0) <= load.latencyMs(0.5) && load.latencyMs(0.5) <= load.latencyMs(1));
  assert.ok(load.latencyMs(0.5) >= 45, `${load.latencyMs(0.5)} ms`);
});

function sawOk({ body }: { body: Buffer }): string | undefined {
  return body.toString() === 'ok' ? 'saw ok' : undefined;
}

test('a test may judge answers itself', async (t) => {
  const upstream = await startCounting(t);
  const load = startLoad(t, { port: upstream.port, request, connections: 1, pauseMs: 1, faultOf: sawOk });
  await eventually(() => load.result.reasons['saw ok'], { what: 'a fault' });
  assert.equal((await load.stop()).ok, 0);
});
