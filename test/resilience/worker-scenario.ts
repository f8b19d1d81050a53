// A node under 500 new connections a second while its workers are replaced or die. A program of its own, so that it can run in a
// network namespace, where the system's setting is its own. Prints what it counted as JSON.

import type { AdminApi } from '../kit/admin.ts';
import { startArrivals } from '../kit/arrivals.ts';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { OwnScope } from '../kit/owner.ts';
import { type DataPlaneNode, startSystem } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { startCounting } from '../kit/upstreams/counting.ts';
import { debuggable, runInWorker } from '../kit/worker-debugger.ts';

/** What the program prints. */
export interface ScenarioResult {
  /** New connections that were answered, and those that were not, by reason. */
  readonly ok: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Of those that were not: those whose request had not reached the upstream, so that no worker can have had it under way for long. */
  readonly unseen: number;
  /** Of kept-alive connections. */
  readonly kept: { readonly ok: number; readonly failed: number; readonly reasons: object };
}

const rate = 500;
/** About 75 connections come to a worker in this time. */
const blockedMs = 300;
if (import.meta.main)
  process.stdout.write(`${JSON.stringify(await run(process.argv[2]!, Number(process.argv[3])))}\n`);

async function run(what: string, times: number): Promise<ScenarioResult> {
  const scope = new OwnScope();
  try {
    const upstream = await startCounting(scope);
    const { controlPlane, nodes } = await startSystem(scope, {
      env: debuggable,
      resources: [gateway(), service('a', [upstream.port]), route('a', '/', 'a')],
    });
    const node = nodes[0]!;
    const port = await node.trafficPort('http');
    const arrivals = startArrivals(scope, { port, rate, path: '/x' });
    const kept = startLoad(scope, {
      port,
      request: 'GET /kept HTTP/1.1\r\nhost: a.test\r\n\r\n',
      pauseMs: 20,
    });
    await eventually(() => arrivals.result.ok > rate, { what: 'the load runs' });
    for (let count = 1; count <= times; count += 1) {
      await (what === 'replace' ? replaceWorkers(controlPlane.admin, node) : endWorker(node, count));
      const before = arrivals.result.ok;
      await eventually(() => arrivals.result.ok > before + rate / 5, { what: 'the load goes on' });
    }
    const [{ ok, failures, failed }, keptOver] = await Promise.all([arrivals.stop(), kept.stop()]);
    const unseen = failed.filter((target) => upstream.count(target) === 0).length;
    return { ok, failures, unseen, kept: keptOver };
  } finally {
    await scope.end();
  }
}

async function replaceWorkers(admin: AdminApi, node: DataPlaneNode): Promise<void> {
  const { status } = await admin.call('POST', `nodes/${node.id}/restartWorkers`);
  if (status !== 202) throw new Error(`restartWorkers was answered with ${status}`);
  await eventually(() => admin.call('GET', `nodes/${node.id}`), {
    what: 'the workers are replaced',
    until: (answer) => answer.field('status', 'workersToReplace') === undefined,
  });
}

async function endWorker(node: DataPlaneNode, count: number): Promise<void> {
  // While it does not turn, clients go on to connect: they wait to be accepted when it dies.
  const blocked = `const endMs = Date.now() + ${blockedMs}; while (Date.now() < endMs); process.exit(3);`;
  await runInWorker(node, `setTimeout(() => { ${blocked} })`);
  // One after the other: what one scrape tells is not all of the same moment.
  await eventually(() => scrape(node), {
    what: 'the worker is gone',
    until: (now) => now.sum('causeway_worker_restarts_total') === count,
  });
  await eventually(() => scrape(node), {
    what: 'another one serves',
    until: (now) => now.value('causeway_workers') === 2,
  });
}
