// What does a limit cost: counted by the node, and in a Redis on loopback; and what do a million keys cost?

import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { createTokenBuckets, TokenBuckets } from '@causeway/data-plane/counts/token-buckets';
import { scrape } from '../kit/metrics.ts';
import { OwnScope } from '../kit/owner.ts';
import { cpuMicroseconds } from '../kit/process-cost.ts';
import { type DataPlaneNode, startSystem } from '../kit/processes.ts';
import { startRedis } from '../kit/redis.ts';
import { gateway, route } from '../kit/resources.ts';
import { formatTable } from './table.ts';

const limit = { requests: 1_000_000_000, per: '1s' };
const shared = { ...limit, scope: 'cluster' };

/** Filters of a Route, by its name. */
const variants: Readonly<Record<string, readonly object[]>> = {
  plain: [],
  node: [{ rateLimit: limit }],
  redis: [{ rateLimit: shared }],
  'redis-two': [
    { name: 'a', rateLimit: shared },
    { name: 'b', rateLimit: { ...shared, per: '1h' } },
  ],
};

const rounds = 3;
/** Few, so that what is measured is a round trip and not a queue. */
const connections = 4;
const roundTripMsMax = 2;
const keys = 1_000_000;
/** Keys whose time is taken together, on the processor: others of the machine are not to count. */
const batch = 100;

export async function benchLimits(seconds: number, print: (line: string) => void): Promise<void> {
  await benchRedis(seconds, print);
  print('');
  benchKeys(print);
}

/** A node of one worker whose Routes answer by themselves, in turn. */
async function benchRedis(seconds: number, print: (line: string) => void): Promise<void> {
  const scope = new OwnScope();
  try {
    const redis = await startRedis(scope);
    const { nodes } = await startSystem(scope, {
      workers: 1,
      resources: [
        gateway({ accessLog: { enabled: false }, redis: { url: `redis://127.0.0.1:${redis.port}` } }),
        ...Object.entries(variants).map(([name, filters]) =>
          route(name, `/${name}`, '', { backends: [], filters: [...filters, { respond: {} }] }),
        ),
      ],
    });
    const node = nodes[0]!;
    const results = new Map<string, { cpuUs: number; p50Us: number; p99Us: number }[]>();
    for (let round = 0; round < rounds; round += 1)
      for (const name of Object.keys(variants)) {
        const before = cpuMicroseconds(node.child.pid);
        const url = `${await node.trafficUrl()}/${name}`;
        const latencies = await load(url, seconds);
        const cpuUs = (cpuMicroseconds(node.child.pid) - before) / latencies.length;
        const at = (share: number): number => latencies[Math.floor(latencies.length * share)]! * 1000;
        results.set(name, [...(results.get(name) ?? []), { cpuUs, p50Us: at(0.5), p99Us: at(0.99) }]);
      }
    const rows = Array.from(results, ([name, all]) => [
      name,
      ...(['cpuUs', 'p50Us', 'p99Us'] as const).map((what) =>
        median(all.map((each) => each[what])).toFixed(0),
      ),
    ]);
    print(formatTable(['limit', 'CPU us', 'p50 us', 'p99 us'], rows));
    print(await roundTrips(node));
  } finally {
    await scope.end();
  }
}

/** Requests one after the other on each connection, with a pause; gives how long they took, in milliseconds, the shortest first. */
async function load(url: string, seconds: number): Promise<number[]> {
  const dispatcher = new Agent({ connections });
  const latencies: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const startedAt = performance.now();
      const { statusCode, body } = await request(url, { dispatcher });
      await body.dump();
      if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}`);
      latencies.push(performance.now() - startedAt);
      await sleep(1);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  await dispatcher.close();
  return latencies.toSorted((a, b) => a - b);
}

async function roundTrips(node: DataPlaneNode): Promise<string> {
  const metrics = await scrape(node);
  const name = 'causeway_redis_duration_seconds';
  const all = metrics.value(`${name}_count`);
  const within = metrics.value(`${name}_bucket`, { le: String(roundTripMsMax / 1000) });
  return `round trips: ${all}, of which ${((100 * within) / all).toFixed(2)} % took ${roundTripMsMax} ms at most, mean ${((1e6 * metrics.value(`${name}_sum`)) / all).toFixed(0)} us`;
}

/** Buckets with room for a million keys, of which three come, one after the other: what they take, and how many had to be forgotten. */
function benchKeys(print: (line: string) => void): void {
  const memory = createTokenBuckets(keys);
  const buckets = new TokenBuckets(memory);
  const limitId = buckets.limitId('bench');
  // None is full again while this runs.
  const rate = { intervalNs: 3600e9, capacity: 1000 };
  const rssBefore = process.memoryUsage.rss();
  const rows = [1, 2, 3].map((million) => {
    let longestUs = 0;
    const evictedBefore = buckets.evicted;
    const startedAt = performance.now();
    for (let n = 0; n < keys; n += batch) {
      const before = process.threadCpuUsage();
      for (let each = n; each < n + batch; each += 1)
        buckets.take(limitId, `client ${million} ${each}`, rate, 1, 1);
      const { user, system } = process.threadCpuUsage(before);
      longestUs = Math.max(longestUs, user + system);
    }
    const nsEach = ((performance.now() - startedAt) * 1e6) / keys;
    const grownMiB = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
    return [
      `${million},000,000`,
      nsEach.toFixed(0),
      (longestUs / 1000).toFixed(2),
      String(buckets.evicted - evictedBefore),
      grownMiB.toFixed(0),
    ];
  });
  print(
    `buckets for ${keys} keys: ${(memory.words.byteLength / 2 ** 20).toFixed(0)} MiB, which is all that they ever take`,
  );
  print(
    formatTable(['keys so far', 'ns a take', `longest of ${batch}, ms`, 'forgotten', 'process MiB'], rows),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
