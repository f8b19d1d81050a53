// Does a client notice a new table? Load on kept-alive and new connections while tables are swapped, with a small table and a
// large one.

import { eventually } from '../kit/eventually.ts';
import type { Load } from '../kit/load.ts';
import { type Metrics, scrape } from '../kit/metrics.ts';
import { OwnScope } from '../kit/owner.ts';
import type { DataPlaneNode } from '../kit/processes.ts';
import { type Resource, route, service } from '../kit/resources.ts';
import { startSwapping } from '../kit/swapping.ts';
import { formatTable } from './table.ts';

const phases = [
  { title: 'small table', routes: 0, swaps: 1000 },
  { title: '10,000 routes', routes: 10_000, swaps: 200 },
] as const;
/** A scrape sees pauses of the last ten seconds at least, so that none is missed in between. */
const scrapeEveryMs = 5000;
const delayMetric = 'causeway_event_loop_delay_seconds';
const documentsPerApply = 2000;

/** Prints one row for each phase: failures, mixed answers, latencies, and the longest pause of the node's event loop. */
export async function benchSwap(print: (line: string) => void): Promise<void> {
  const rows: string[][] = [];
  for (const phase of phases) {
    print(`${phase.title}: ${phase.swaps} swaps`);
    const scope = new OwnScope();
    try {
      rows.push(await measure(scope, phase));
    } finally {
      await scope.end();
    }
  }
  const heading = [
    'table',
    'swaps',
    'ms/swap',
    'requests',
    'failed',
    'p50 ms',
    'p99 ms',
    'max ms',
    'longest pause ms',
  ];
  print(formatTable(heading, rows));
}

async function measure(
  scope: OwnScope,
  { title, routes, swaps }: (typeof phases)[number],
): Promise<string[]> {
  const swapping = await startSwapping(scope);
  for (const part of inParts(manyRoutes(routes))) await swapping.system.apply(part);
  const loads = [swapping.startLoad('keep-alive', 12), swapping.startLoad('close', 4)];
  await eventually(() => loads.every(({ result }) => result.ok > 100), { what: 'the load runs' });
  const pauses = new Pauses(swapping.system.nodes[0]!);
  const startMs = performance.now();
  for (let swap = 0; swap < swaps; swap += 1) {
    await swapping.swap();
    await pauses.look();
  }
  const tookMs = performance.now() - startMs;
  const results = await Promise.all(loads.map((load) => load.stop()));
  const failed = results.flatMap(({ reasons }) => Object.entries(reasons));
  const worst = (share: number): string =>
    Math.max(...loads.map((load: Load) => load.latencyMs(share))).toFixed(1);
  return [
    title,
    String(swaps),
    (tookMs / swaps).toFixed(1),
    String(results.reduce((sum, { ok }) => sum + ok, 0)),
    failed.length === 0 ? '0' : failed.map(([reason, count]) => `${count} ${reason}`).join(', '),
    worst(0.5),
    worst(0.99),
    worst(1),
    await pauses.longestMs(),
  ];
}

/** The longest pause of a node's event loop while it was watched. */
class Pauses {
  readonly #node: DataPlaneNode;
  #longestSeconds: number | undefined;
  #lookedMs = performance.now();

  constructor(node: DataPlaneNode) {
    this.#node = node;
  }

  async look(): Promise<void> {
    if (performance.now() - this.#lookedMs < scrapeEveryMs) return;
    this.#lookedMs = performance.now();
    this.#take(await scrape(this.#node));
  }

  async longestMs(): Promise<string> {
    this.#take(await scrape(this.#node));
    return this.#longestSeconds === undefined ? 'not told' : (this.#longestSeconds * 1000).toFixed(1);
  }

  #take(metrics: Metrics): void {
    if (!metrics.has(delayMetric)) return;
    this.#longestSeconds = Math.max(this.#longestSeconds ?? 0, metrics.value(delayMetric, { quantile: '1' }));
  }
}

/** Routes of other hosts, so that the loaded one is not looked for among them. */
function manyRoutes(count: number): Resource[] {
  return [
    service('other', [9]),
    ...Array.from({ length: count }, (_, index) =>
      route(`r${index}`, `/r${index}`, 'other', { hosts: ['other.test'] }),
    ),
  ];
}

function inParts(resources: readonly Resource[]): Resource[][] {
  const parts: Resource[][] = [];
  for (let from = 0; from < resources.length; from += documentsPerApply)
    parts.push(resources.slice(from, from + documentsPerApply));
  return parts;
}
