import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../eventually.ts';
import { rawConnect } from '../raw-client.ts';
import { startCounting } from './counting.ts';
import { type Echo, startEcho } from './echo.ts';
import { type ResetMoment, startReset } from './reset.ts';
import { startSlow } from './slow.ts';
import { startStream } from './stream.ts';

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: test\r\n\r\n`;

test('echo tells what it saw, duplicates and the case of names included', async (t) => {
  const upstream = await startEcho(t, 'a');
  const client = await rawConnect(t, upstream.port);
  await client.send('POST /x?y=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 3\r\n\r\nabc');
  const echo: Echo = JSON.parse((await client.readResponse()).body.toString());
  assert.deepEqual(echo, {
    upstream: 'a',
    method: 'POST',
    target: '/x?y=1',
    headers: [
      ['Host', 'h'],
      ['X-A', '1'],
      ['x-a', '2'],
      ['content-length', '3'],
    ],
    bodyBytes: 3,
    bodySha256: createHash('sha256').update('abc').digest('hex'),
  });
  assert.equal(upstream.requests, 1);
});

test('counting counts each target by itself', async (t) => {
  const upstream = await startCounting(t);
  const client = await rawConnect(t, upstream.port);
  for (const target of ['/1', '/2?a', '/1']) {
    await client.send(get(target));
    assert.equal((await client.readResponse()).status, 200);
  }
  assert.deepEqual([upstream.count('/1'), upstream.count('/2?a'), upstream.count('/3')], [2, 1, 0]);
  assert.equal(upstream.total, 3);
});

test('slow waits before the head and before each byte', async (t) => {
  const upstream = await startSlow(t, { headDelayMs: 60, byteIntervalMs: 20, bodyBytes: 3 });
  const client = await rawConnect(t, upstream.port);
  const startMs = performance.now();
  await client.send(get('/'));
  await client.expect('\r\n\r\n');
  const headMs = performance.now() - startMs;
  await client.expect('xxx');
  const bodyMs = performance.now() - startMs - headMs;
  // Timers may fire up to a millisecond early.
  assert.ok(headMs >= 58, `head after ${headMs} ms`);
  assert.ok(bodyMs >= 55, `body after ${bodyMs} ms`);
  assert.deepEqual([upstream.started, upstream.aborted], [1, 0]);
});

test('slow counts requests that were given up', async (t) => {
  const upstream = await startSlow(t, { headDelayMs: 10_000 });
  const client = await rawConnect(t, upstream.port);
  await client.send(get('/'));
  await eventually(() => upstream.started, { what: 'the request' });
  client.reset();
  await eventually(() => upstream.aborted === 1, { what: 'the abort' });
});

test('reset breaks the connection at the moment asked for', async (t) => {
  const bytes: Record<ResetMoment, number> = { beforeHead: 0, afterHead: 0, midBody: 0 };
  for (const moment of ['beforeHead', 'afterHead', 'midBody'] as const) {
    const upstream = await startReset(t, moment);
    const client = await rawConnect(t, upstream.port);
    await client.send(get('/'));
    assert.equal(await client.closed(), 'reset');
    bytes[moment] = client.unread.length;
    assert.equal(upstream.resets, 1);
  }
  assert.deepEqual(bytes, { beforeHead: 0, afterHead: 66, midBody: 116 });
});

test('stream sends everything to one who reads', async (t) => {
  const upstream = await startStream(t, 2);
  const client = await rawConnect(t, upstream.port);
  await client.send(get('/'));
  assert.equal((await client.readResponse()).body.length, 2 << 20);
  assert.equal(upstream.bytesTaken, 2 << 20);
});

test('stream gets stuck on one who does not read', async (t) => {
  const upstream = await startStream(t, 64);
  const client = await rawConnect(t, upstream.port);
  client.pause();
  await client.send(get('/'));
  let before = -1;
  await eventually(
    () => {
      const still = upstream.bytesTaken > 0 && upstream.bytesTaken === before;
      before = upstream.bytesTaken;
      return still;
    },
    { what: 'a stop', intervalMs: 200 },
  );
  assert.ok(upstream.bytesTaken < 32 << 20, `took ${upstream.bytesTaken} bytes`);
});
