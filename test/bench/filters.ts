// What do filters cost? CPU a request of one node of one worker, a Route for each set of filters, in turn.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OwnScope } from '../kit/owner.ts';
import { cpuMicroseconds } from '../kit/process-cost.ts';
import { startSystem } from '../kit/processes.ts';
import { gateway, type Resource, route, service } from '../kit/resources.ts';
import { startIssuer } from '../kit/upstreams/issuer.ts';
import { findProgram } from './machine.ts';
import { startNginxUpstream } from './peers/nginx.ts';
import { formatTable } from './table.ts';
import { runWrk } from './wrk.ts';

const jwt = { jwt: { providers: ['corp'] } };
const rateLimit = { rateLimit: { requests: 1_000_000_000, per: '1s', key: 'address' } };
const cors = {
  cors: { allowOrigins: ['https://app.example.com', 'https://*.example.org'], allowCredentials: true },
};
const edits = {
  headers: {
    request: { set: { 'x-gateway': 'causeway' } },
    response: { set: { 'x-served-by': 'causeway' }, remove: ['server'] },
  },
};

/** What the upstream does not say. */
const keeps = { headers: { response: { set: { 'cache-control': 'public, max-age=3600' } } } };

/** Filters of a Route, by its name. */
const variants: Readonly<Record<string, readonly object[]>> = {
  plain: [],
  jwt: [jwt],
  limit: [rateLimit],
  cors: [cors],
  headers: [edits],
  all: [jwt, rateLimit, cors, edits],
  compress: [{ compress: {} }],
  cache: [{ cache: {} }, keeps],
};

/** Of many short ones few meet what else the machine does. */
const rounds = 9;
const connections = 32;

interface FiltersBench {
  readonly seconds: number;
  /** Names of variants besides `plain`; undefined: all. */
  readonly only: readonly string[] | undefined;
  readonly print: (line: string) => void;
}

/** Prints the median of the rounds for each, and of what it adds to the plain Route of the same round. */
export async function benchFilters({ seconds, only, print }: FiltersBench): Promise<void> {
  const names = Object.keys(variants).filter(
    (name) => name === 'plain' || only === undefined || only.includes(name),
  );
  const wrk = findProgram('wrk');
  if (wrk === undefined)
    throw new Error('this bench needs wrk and nginx: run scripts/setup-test-deps --bench');
  const scope = new OwnScope();
  const directory = mkdtempSync(join(tmpdir(), 'causeway-bench-filters-'));
  try {
    const node = await startFiltered(scope, directory);
    const costs = new Map<string, number[]>();
    for (let round = 0; round < rounds; round += 1)
      for (const name of names) {
        const before = cpuMicroseconds(node.pid);
        const url = `http://127.0.0.1:${node.port}/${name}`;
        const result = await runWrk({
          program: wrk,
          directory,
          url,
          seconds,
          connections,
          uploadBytes: 0,
          headers: node.headers,
        });
        if (result.failed > 0) throw new Error(`${result.failed} requests failed on ${name}`);
        const cost = (cpuMicroseconds(node.pid) - before) / result.requests;
        costs.set(name, [...(costs.get(name) ?? []), cost]);
      }
    const rows = Array.from(costs, ([name, all]) => {
      const cost = median(all);
      const added = median(all.map((one, round) => one - costs.get('plain')![round]!));
      const spread = Math.max(...all) - Math.min(...all);
      return [name, cost.toFixed(1), added.toFixed(1), spread.toFixed(1)];
    });
    print(formatTable(['filters', 'CPU us', 'added', 'spread'], rows));
  } finally {
    await scope.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Filtered {
  readonly pid: number;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

async function startFiltered(scope: OwnScope, directory: string): Promise<Filtered> {
  const issuer = await startIssuer(scope);
  const upstream = await startNginxUpstream({ owner: scope, directory });
  const provider: Resource = {
    kind: 'AuthProvider',
    metadata: { name: 'corp' },
    spec: { issuer: issuer.url, audiences: ['api'], algorithms: ['ES256'] },
  };
  const routes = Object.entries(variants).map(([name, filters]) =>
    route(name, `/${name}`, 'upstream', { filters }),
  );
  const { nodes } = await startSystem(scope, {
    workers: 1,
    resources: [
      gateway({ accessLog: { enabled: false } }),
      provider,
      service('upstream', [upstream.port]),
      ...routes,
    ],
  });
  const node = nodes[0]!;
  const token = await issuer.sign();
  const headers = {
    authorization: `Bearer ${token}`,
    origin: 'https://app.example.com',
    'accept-encoding': 'gzip',
  };
  return { pid: node.child.pid, port: await node.trafficPort(), headers };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
