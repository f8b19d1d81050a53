// How fast does a change reach every node, and what does it cost on the wire? One control plane as a real process; the
// nodes are the data plane's sync client, all in this process, behind a relay that counts bytes.

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { eventually } from '../kit/eventually.ts';
import { OwnScope } from '../kit/owner.ts';
import { type ControlPlane, startControlPlane } from '../kit/processes.ts';
import { type Relay, startRelay } from '../kit/relay.ts';
import { gateway, type Resource, route, service } from '../kit/resources.ts';
import { startSyncNode, type SyncNode } from '../kit/sync-node.ts';
import { formatTable } from './table.ts';

const fleets = [1, 10, 100] as const;
const routeCounts = [100, 10_000] as const;
/** Changes that are measured, one after the other, after some that are not. */
const changes = 100;
const warmUp = 10;
const documentsPerApply = 2000;

/** Runs every fleet with every number of Routes and prints one table. */
export async function benchConfig(print: (line: string) => void): Promise<void> {
  const rows: string[][] = [];
  for (const routes of routeCounts) {
    for (const nodes of fleets) {
      const scope = new OwnScope();
      try {
        rows.push(await measure(scope, routes, nodes));
      } finally {
        await scope.end();
      }
    }
  }
  const columns = [
    'routes',
    'nodes',
    'commit p50 ms',
    'commit p99 ms',
    'applied p50 ms',
    'applied p99 ms',
    'bytes/change/node',
  ];
  print(
    `${changes} changes of one Route each; commit = request sent to answer, applied = request sent to the last node's table`,
  );
  print(formatTable(columns, rows));
}

async function measure(scope: OwnScope, routes: number, nodeCount: number): Promise<string[]> {
  const controlPlane = await startControlPlane(scope);
  await applyInParts(controlPlane, manyRoutes(routes));
  const relay = await startRelay(scope, () => controlPlane.streamPort);
  const fleet = new Fleet();
  await fleet.join(scope, controlPlane, relay, nodeCount);
  const writer = await Writer.open(controlPlane);
  const commits: number[] = [];
  const applied: number[] = [];
  let bytesBefore = 0;
  for (let change = -warmUp; change < changes; change++) {
    if (change === 0) bytesBefore = relay.bytesDown;
    const startMs = performance.now();
    const revision = await writer.put(route('r7', `/changed-${change}`, 'a'));
    const committedMs = performance.now();
    const appliedMs = await fleet.applied(revision);
    if (change < 0) continue;
    commits.push(committedMs - startMs);
    applied.push(appliedMs - startMs);
  }
  await writer.close();
  const bytes = (relay.bytesDown - bytesBefore) / changes / nodeCount;
  const ms = (values: number[], share: number): string => percentile(values, share).toFixed(1);
  return [
    String(routes),
    String(nodeCount),
    ms(commits, 0.5),
    ms(commits, 0.99),
    ms(applied, 0.5),
    ms(applied, 0.99),
    bytes.toFixed(0),
  ];
}

class Fleet {
  readonly #nodes: SyncNode[] = [];
  /** When each revision reached each node. */
  readonly #reached = new Map<number, number[]>();

  async join(scope: OwnScope, controlPlane: ControlPlane, relay: Relay, count: number): Promise<void> {
    const credential = (await readFile(controlPlane.nodeTokenFile, 'utf8')).trim();
    for (let index = 0; index < count; index++) {
      const node = await startSyncNode(scope, {
        streamPort: relay.port,
        credential,
        id: `n${index}`,
        onApplied: ({ revision }) => {
          const times = this.#reached.get(revision);
          if (times) times.push(performance.now());
          else this.#reached.set(revision, [performance.now()]);
        },
      });
      this.#nodes.push(node);
    }
    await eventually(() => this.#nodes.every((node) => node.updates.length > 0), {
      what: 'all nodes hold the first snapshot',
      timeoutMs: 120_000,
    });
  }

  /** When the last node took the revision, on this process's clock. */
  async applied(revision: number): Promise<number> {
    const times = await eventually(() => this.#reached.get(revision) ?? [], {
      what: `all nodes hold revision ${revision}`,
      until: ({ length }) => length === this.#nodes.length,
      intervalMs: 2,
    });
    for (const node of this.#nodes) node.updates.length = 0;
    return Math.max(...times);
  }
}

/** PUTs over one kept-alive connection, as a controller would. */
class Writer {
  readonly #agent = new Agent({ connections: 1 });
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async open(controlPlane: ControlPlane): Promise<Writer> {
    return new Writer(
      controlPlane.admin.url,
      (await readFile(`${controlPlane.dataDir}/admin.token`, 'utf8')).trim(),
    );
  }

  async put(resource: Resource): Promise<number> {
    const answer = await request(
      `${this.#url}/apis/causeway/v1/namespaces/default/routes/${resource.metadata.name}`,
      {
        method: 'PUT',
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'causeway/v1', ...resource }),
      },
    );
    await answer.body.dump();
    return Number(answer.headers['causeway-revision']);
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}

function manyRoutes(count: number): Resource[] {
  return [
    gateway(),
    service('a', [9001]),
    ...Array.from({ length: count }, (_, index) => route(`r${index}`, `/r${index}`, 'a')),
  ];
}

async function applyInParts(controlPlane: ControlPlane, resources: readonly Resource[]): Promise<void> {
  for (let from = 0; from < resources.length; from += documentsPerApply) {
    await controlPlane.admin.apply(resources.slice(from, from + documentsPerApply));
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!;
}
