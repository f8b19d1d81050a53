// D3: an upstream that never answers, or answers a byte at a time. Whoever waits is told, and nothing piles up.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { OwnScope } from '../kit/owner.ts';
import { residentBytes } from '../kit/process-cost.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { type SlowUpstream, startSlow } from '../kit/upstreams/slow.ts';
import { problemOf } from './problem-of.ts';
import { type Served, startRoutes } from './start-routes.ts';

const neverMs = 3_600_000;
const waiting = 300;
/** What one exchange that waits may hold, with its two connections. */
const bytesEachMax = 64 * 1024;
/** RSS moves by so much for other reasons, such as code that runs for the first time. */
const noiseBytes = 32 << 20;

const request = (path: string): string => `GET /${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`;

describe('a slow upstream', { concurrency: true }, () => {
  const scope = new OwnScope();
  const upstreams = new Map<string, SlowUpstream>();
  let served: Served;

  before(async () => {
    const start = async (name: string, options: Parameters<typeof startSlow>[1], timeouts: object) => {
      const upstream = await startSlow(scope, options);
      upstreams.set(name, upstream);
      const service = { pool: { maxConnections: waiting } };
      return [name, { port: upstream.port, service, route: { timeouts } }] as const;
    };
    const never = { headDelayMs: neverMs };
    served = await startRoutes(
      scope,
      Object.fromEntries([
        await start('head', never, { responseHead: '1s' }),
        await start('whole', never, { request: '1s', responseHead: '0s' }),
        await start('trickle', { byteIntervalMs: 100, bodyBytes: 100_000 }, { request: '1s', idle: '10s' }),
        await start('silent', { byteIntervalMs: neverMs }, { idle: '1s' }),
        await start('many', never, { responseHead: '3s' }),
      ]),
    );
  });
  after(() => scope.end());

  for (const [name, field] of [
    ['head', 'responseHead'],
    ['whole', 'request'],
  ] as const)
    test(`that never answers is a 504 when ${field} is over, and is let go of`, async (t) => {
      const client = await rawConnect(t, served.port);
      const startMs = performance.now();
      await client.send(request(name));
      const response = await client.readResponse();
      const tookMs = performance.now() - startMs;
      t.diagnostic(`504 after ${tookMs.toFixed(0)} ms`);
      assert.deepEqual(problemOf(response), [504, 'upstream_timeout']);
      assert.ok(tookMs >= 950, `${tookMs} ms`);
      await eventually(() => upstreams.get(name)!.aborted === 1, { what: 'the upstream notices' });
      // The client's connection is as good as before.
      await client.send(request(name));
      assert.equal((await client.readResponse()).status, 504);
    });

  for (const [name, field] of [
    ['trickle', 'request'],
    ['silent', 'idle'],
  ] as const)
    test(`whose body never ends (${name}) is cut when ${field} is over, so that the client sees it`, async (t) => {
      const client = await rawConnect(t, served.port);
      await client.send(request(name));
      await client.closed();
      assert.match(client.unread.toString('latin1'), /^HTTP\/1\.1 200 /);
      await eventually(() => upstreams.get(name)!.aborted === 1, { what: 'the upstream notices' });
    });

  test(`holds little memory for ${waiting} requests that wait, and all of them are answered`, async (t) => {
    const { pid } = served.node.child;
    const residentBefore = residentBytes(pid);
    const clients = await Promise.all(Array.from({ length: waiting }, () => rawConnect(t, served.port)));
    await Promise.all(clients.map((client) => client.send(request('many'))));
    await eventually(() => upstreams.get('many')!.started === waiting, { what: 'all are at the upstream' });
    const held = residentBytes(pid) - residentBefore;
    t.diagnostic(`${(held / waiting / 1024).toFixed(1)} KiB each`);
    assert.ok(held < waiting * bytesEachMax + noiseBytes, `${held} bytes`);
    const answers = await Promise.all(clients.map((client) => client.readResponse()));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([504]));
    const metrics = await eventually(() => scrape(served.node), {
      what: 'no exchange is left over',
      until: (now) => now.value('http_server_active_requests') === 0,
    });
    assert.ok(metrics.sum('causeway_requests_total', { reason: 'upstream_timeout' }) >= waiting);
  });
});
