// D21 and D14: load and misdeeds for a long time. Memory, descriptors and connections come back, and the event loop stays free.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { OwnScope } from '../kit/owner.ts';
import { openDescriptors, residentBytes } from '../kit/process-cost.ts';
import type { DataPlaneNode } from '../kit/processes.ts';
import { seed, seededRandom } from '../kit/seeded-random.ts';
import { startCounting } from '../kit/upstreams/counting.ts';
import { startStream } from '../kit/upstreams/stream.ts';
import { startBreaking } from './breaking-upstream.ts';
import { misbehave } from './hostile-clients.ts';
import { scaled } from './scale.ts';
import { type Served, startRoutes } from './start-routes.ts';

/** `npm run test:soak` sets it; a day of it is the real thing. */
const soakSeconds = Number(process.env['CAUSEWAY_TEST_SOAK_SECONDS'] ?? 12);
/** Of the time: until then code is compiled and pools fill. */
const warmUpShare = 0.4;
const sampleMs = 500;
/**
 * What the heap may have grown by without a leak, and what it may drift in an hour. In seconds on a busy machine the heap is still growing into its
 * size: there only what a misdeed leaves behind by the dozen of KiB is seen.
 */
const noiseBytes = scaled(192, 24) << 20;
const driftBytesPerHourMax = 1 << 20;
/** Of the load; the node shares two cores with all of it. */
const pauseMs = 5;
const loopDelaySecondsMax = scaled(1, 0.02);
const hostileClients = 8;

/** A scrape sees the pauses of the last seconds. */
const scrapeEverySamples = 4;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** What was seen of a node while it was busy. */
interface Watched {
  readonly samples: readonly Sample[];
  /** Of the event loop: the 99th percentile at each scrape. */
  readonly delaysSeconds: readonly number[];
}

/** The slope of the line of least squares, bytes an hour. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const atMs = mean(samples.map((sample) => sample.atMs));
  const bytes = mean(samples.map((sample) => sample.bytes));
  const covariance = mean(samples.map((sample) => (sample.atMs - atMs) * (sample.bytes - bytes)));
  const variance = mean(samples.map((sample) => (sample.atMs - atMs) ** 2));
  return (covariance / variance) * 3_600_000;
}

describe('a long time of load and misdeeds', () => {
  const scope = new OwnScope();
  let served: Served;
  let watched: Watched;

  before(async () => {
    const pool = { idleTimeout: '1s' };
    const [good, stream, broken] = [
      await startCounting(scope),
      await startStream(scope, 50),
      await startBreaking(scope),
    ];
    served = await startRoutes(scope, {
      '': { port: good.port, service: { pool } },
      stream: { port: stream.port, service: { pool } },
      broken: { port: broken.port, service: { pool } },
    });
  });
  after(() => scope.end());

  test(`${soakSeconds} s leave nothing behind and fail no good request`, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const { node, port } = served;
    const { pid } = node.child;
    const descriptorsBefore = openDescriptors(pid);
    const load = startLoad(t, {
      port,
      request: 'GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n',
      connections: 4,
      pauseMs,
    });
    const stopping = new AbortController();
    const hostile = Array.from({ length: hostileClients }, (_, index) =>
      misbehave(port, seededRandom(seed + index), stopping.signal),
    );
    watched = await watch(served);
    stopping.abort();
    const deeds = (await Promise.all(hostile)).reduce((sum, count) => sum + count, 0);
    const { ok, failed, reasons } = await load.stop();
    t.diagnostic(`${ok} good requests, ${deeds} misdeeds`);
    assert.deepEqual([failed, reasons], [0, {}]);
    assertNoDrift(watched.samples, (line) => t.diagnostic(line));
    await assertNothingLeft(served, descriptorsBefore);
  });

  test('the event loop was free meanwhile, and the node says so', (t) => {
    const worst = Math.max(...watched.delaysSeconds);
    t.diagnostic(`event loop delay: p99 ${(worst * 1000).toFixed(1)} ms at worst`);
    assert.ok(worst <= loopDelaySecondsMax, `p99 ${worst} s`);
  });
});

async function watch({ node }: Served): Promise<Watched> {
  const samples: Sample[] = [];
  const delaysSeconds: number[] = [];
  const startMs = performance.now();
  for (let count = 1; performance.now() - startMs < soakSeconds * 1000; count += 1) {
    await sleep(sampleMs);
    const atMs = performance.now() - startMs;
    if (atMs < soakSeconds * 1000 * warmUpShare) continue;
    samples.push({ atMs, bytes: residentBytes(node.child.pid) });
    if (count % scrapeEverySamples === 0) delaysSeconds.push(await loopDelaySeconds(node));
  }
  return { samples, delaysSeconds };
}

async function loopDelaySeconds(node: DataPlaneNode): Promise<number> {
  return (await scrape(node)).value('causeway_event_loop_delay_seconds', { quantile: '0.99' });
}

function assertNoDrift(samples: readonly Sample[], print: (line: string) => void): void {
  const hours = (samples.at(-1)!.atMs - samples[0]!.atMs) / 3_600_000;
  const slope = slopeOf(samples);
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  print(`RSS ${mebibytes(samples[0]!.bytes)} -> ${mebibytes(samples.at(-1)!.bytes)} MiB`);
  print(`slope ${mebibytes(slope)} MiB/h over ${(hours * 60).toFixed(1)} min`);
  const drift = slope * hours;
  assert.ok(drift <= noiseBytes + driftBytesPerHourMax * hours, `${drift} bytes of drift`);
}

async function assertNothingLeft({ node }: Served, descriptorsBefore: number): Promise<void> {
  const metrics = await eventually(() => scrape(node), {
    what: 'no connection and no request is left',
    until: (now) =>
      now.value('causeway_connections') === 0 &&
      now.value('http_server_active_requests') === 0 &&
      now.sum('causeway_upstream_active_requests') === 0,
  });
  assert.equal(metrics.sum('causeway_requests_total', { reason: 'internal' }), 0);
  await eventually(() => openDescriptors(node.child.pid), {
    what: `no more than ${descriptorsBefore} descriptors are open`,
    until: (now) => now <= descriptorsBefore,
  });
}
