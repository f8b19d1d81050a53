// How long does a match take among 100, 10,000 and 100,000 Routes, and what do a build and one changed Route cost?
//
// Run: node test/bench/router.ts

import { cpus } from 'node:os';
import type { RouteRequest } from '@causeway/router/request-view';
import { emptyRouter, matchRoute, type Router, updateRouter } from '@causeway/router/router';
import type { Rule } from '@causeway/router/rule';

interface Layout {
  readonly name: string;
  rule(n: number): Rule<number>;
  request(n: number): RouteRequest;
}

const routesPerHost = 10;
const samples = 20_000;
/** Matches in one sample: the clock is too coarse for one. The p99 is therefore of means over this many. */
const matchesPerSample = 10;
const updates = 2000;
const builds = 5;

const layouts: readonly Layout[] = [
  layout('many hosts', (n) => [`h${Math.floor(n / routesPerHost)}.example.com`, `/svc-${n}`]),
  layout('one host', (n) => ['api.example.com', `/svc-${n}`]),
];

print(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, V8 ${process.versions.v8}`,
);
print(
  row(['layout', 'routes', 'match p50 ns', 'match p99 ns', 'build ms', 'update p50 us', 'update p99 us']),
);
for (const each of layouts) {
  for (const routes of [100, 10_000, 100_000]) measure(each, routes);
}

function measure(each: Layout, routes: number): void {
  const rules = Array.from({ length: routes }, (_, n) => each.rule(n));
  const buildMs: number[] = [];
  let router = emptyRouter<number>();
  for (let run = 0; run < builds; run++) {
    const startedAt = performance.now();
    router = updateRouter(emptyRouter<number>(), { remove: [], add: rules });
    buildMs.push(performance.now() - startedAt);
  }
  const match = matchTimes(each, router, routes);
  const update = updateTimes(each, router, routes);
  const cells = [percentile(match, 50), percentile(match, 99), percentile(buildMs, 50)];
  const updateCells = [percentile(update, 50) * 1000, percentile(update, 99) * 1000];
  print(
    row([
      each.name,
      String(routes),
      ...[...cells, ...updateCells].map((cell) => cell.toFixed(cell < 10 ? 1 : 0)),
    ]),
  );
}

function matchTimes(each: Layout, router: Router<number>, routes: number): number[] {
  const requests = Array.from({ length: 4096 }, (_, n) => each.request(scatter(n, routes)));
  const times: number[] = [];
  let at = 0;
  for (let sample = -samples / 4; sample < samples; sample++) {
    const startedAt = process.hrtime.bigint();
    for (let n = 0; n < matchesPerSample; n++) {
      const request = requests[at++ & 4095];
      if (request !== undefined && matchRoute(router, request).kind !== 'match') throw new Error('no match');
    }
    // The first quarter warms up.
    if (sample >= 0) times.push(Number(process.hrtime.bigint() - startedAt) / matchesPerSample);
  }
  return times;
}

function updateTimes(each: Layout, router: Router<number>, routes: number): number[] {
  const times: number[] = [];
  let current = router;
  for (let n = 0; n < updates; n++) {
    const rule = each.rule(scatter(n, routes));
    const startedAt = performance.now();
    current = updateRouter(current, { remove: [rule.key], add: [rule] });
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** A third each of exact paths, prefixes and templates. */
function layout(name: string, placeOf: (n: number) => [host: string, path: string]): Layout {
  return {
    name,
    rule(n) {
      const [host, path] = placeOf(n);
      const paths = [
        { exact: `${path}/items/list` },
        { prefix: path },
        { template: `${path}/users/{id}/orders/{order}` },
      ] as const;
      return {
        key: `default/route-${n}`,
        index: 0,
        hosts: [host],
        path: paths[n % 3] ?? paths[0],
        methods: n % 2 === 0 ? ['GET', 'POST'] : [],
        headers: [],
        query: [],
        cookies: [],
        priority: 0,
        allowEncoded: 0,
        value: n,
      };
    },
    request(n) {
      const [host, path] = placeOf(n);
      const tails = ['/items/list', '/some/page/below', '/users/4711/orders/0815'];
      const target = `${path}${tails[n % 3] ?? ''}`;
      return { method: 'GET', host, path: target, query: 'a=1', encoded: 0, header: () => undefined };
    },
  };
}

/** A number under `bound` that jumps about with `n`, the same in every run. */
function scatter(n: number, bound: number): number {
  return (Math.imul(n + 1, 2_654_435_761) >>> 0) % bound;
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? NaN;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, at) => (at === 0 ? cell.padEnd(12) : cell.padStart(15))).join('');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
