// D18: endpoints that die, hang, fail and come back, and what clients of a node with two workers see of it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { OwnScope, type Owner } from '../kit/owner.ts';
import { type DataPlaneNode, startSystem, type System } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { FickleUpstream, MendableUpstream } from './mendable-upstream.ts';

const active = {
  path: '/healthz',
  interval: '100ms',
  timeout: '300ms',
  unhealthyAfter: 2,
  healthyAfter: 2,
};
/** Nothing is ejected. */
const off = { connectFailures: 0 };

/** What one request came to: the name of the upstream that answered 200, or a status with its reason. */
type Seen = Readonly<Record<string, number>>;

/** A Service of three endpoints, `a`, `b` and `c`, of one system that all share. */
class Service {
  readonly #name: string;
  readonly #served: Served;

  constructor(name: string, served: Served) {
    this.#name = name;
    this.#served = served;
  }

  /** How often each came of so many requests, one after the other, on connections of their own, so that both workers have their share. */
  async ask(times: number): Promise<Seen> {
    const seen: Record<string, number> = {};
    for (let count = 0; count < times; count += 1) {
      const { statusCode, body } = await request(`${this.#served.url}/${this.#name}`, { reset: true });
      const text = await body.text();
      const isProblem = text.startsWith('{');
      const reason = isProblem ? ` ${(JSON.parse(text) as { reason: string }).reason}` : '';
      const what = statusCode === 200 ? text : `${statusCode}${reason}`;
      seen[what] = (seen[what] ?? 0) + 1;
    }
    return seen;
  }

  /** Who answers now. */
  async answering(times = 30): Promise<string> {
    return Object.keys(await this.ask(times))
      .toSorted()
      .join();
  }

  /** Workers follow what the node says of its endpoints within a turn or two. */
  async comesBack(): Promise<void> {
    const all = 'a,b,c';
    await eventually(() => this.answering(), {
      what: `all of ${this.#name} answer`,
      until: (now) => now === all,
    });
  }

  async endpointsAre(counts: Readonly<Record<string, number>>): Promise<void> {
    const name = 'causeway_service_endpoints';
    const states = ['unknown', 'healthy', 'unhealthy', 'ejected'];
    await eventually(() => scrape(this.#served.node), {
      what: `the endpoints of ${this.#name} are ${JSON.stringify(counts)}`,
      until: (metrics) =>
        states.every(
          (state) =>
            metrics.value(name, { service: `default/${this.#name}`, state }) === (counts[state] ?? 0),
        ),
    });
  }

  async ejections(): Promise<number> {
    const metrics = await scrape(this.#served.node);
    return metrics.sum('causeway_endpoint_ejections_total', { service: `default/${this.#name}` });
  }
}

interface Served {
  readonly system: System;
  readonly node: DataPlaneNode;
  readonly url: string;
}

/** Requests that failed. */
function failures(seen: Seen): number {
  return Object.entries(seen).reduce((sum, [what, times]) => sum + (/^\d/.test(what) ? times : 0), 0);
}

/** What each test needs: how endpoints are checked, and whether `b` is a process of its own. */
const scenarios = {
  killed: { check: { active, passive: off }, isProcess: true },
  hanging: { check: { active, passive: off }, isProcess: true },
  failing: { check: { active, passive: off }, isProcess: false },
  all: { check: { active, passive: off }, isProcess: false },
  panic: { check: { active, passive: off, panicPercent: 50 }, isProcess: false },
  late: { check: { active, passive: off }, isProcess: false },
  refusing: { check: { passive: { ejectFor: '1s' } }, isProcess: true },
  erring: {
    check: { passive: { connectFailures: 0, consecutive5xx: 3, ejectFor: '1m' } },
    isProcess: false,
  },
  silent: { check: { passive: { consecutive5xx: 3, ejectFor: '1m' } }, isProcess: true },
  flapping: {
    check: { passive: { consecutive5xx: 3, ejectFor: '300ms', maxEjectFor: '10s' } },
    isProcess: false,
  },
} as const;

type Name = keyof typeof scenarios;

const scope = new OwnScope();
const fickle = new Map<string, FickleUpstream>();
const mendable = new Map<string, MendableUpstream>();
let served: Served;

before(async () => {
  const resources = await Promise.all(
    Object.entries(scenarios).map(async ([name, { check, isProcess }]) => {
      const ports = await Promise.all(
        ['a', 'b', 'c'].map((upstream) =>
          startUpstream(scope, name, upstream, isProcess && upstream === 'b'),
        ),
      );
      return [
        service(name, ports, { healthCheck: check, timeouts: { connect: '1s' } }),
        route(name, `/${name}`, name, { timeouts: { responseHead: '1s' } }),
      ];
    }),
  );
  const system = await startSystem(scope, { resources: [gateway(), ...resources.flat()] });
  const node = system.nodes[0]!;
  served = { system, node, url: await node.trafficUrl() };
});
after(() => scope.end());

async function startUpstream(
  owner: Owner,
  scenario: string,
  name: string,
  isProcess: boolean,
): Promise<number> {
  const upstream = isProcess ? new MendableUpstream(owner, name) : new FickleUpstream(owner, name);
  await upstream.start();
  if (upstream instanceof FickleUpstream) fickle.set(`${scenario} ${name}`, upstream);
  else mendable.set(scenario, upstream);
  return upstream.port;
}

const serviceOf = (name: Name): Service => new Service(name, served);
const fickleOf = (name: Name, upstream: 'a' | 'b' | 'c'): FickleUpstream =>
  fickle.get(`${name} ${upstream}`)!;

describe('endpoints with active checks', { concurrency: true }, () => {
  for (const [name, what, breaks, mends] of [
    ['killed', 'is killed', () => mendable.get('killed')!.kill(), () => mendable.get('killed')!.start()],
    [
      'hanging',
      'hangs',
      async () => mendable.get('hanging')!.stop(),
      async () => mendable.get('hanging')!.goOn(),
    ],
    [
      'failing',
      'says that it is not well',
      async () => fickleOf('failing', 'b').set({ health: 503 }),
      async () => fickleOf('failing', 'b').set({ health: 200 }),
    ],
  ] as const)
    test(`one that ${what} gets no requests until it is back`, async (t) => {
      const tested = serviceOf(name);
      await tested.endpointsAre({ healthy: 3 });
      assert.equal(await tested.answering(), 'a,b,c');
      await breaks();
      const startMs = performance.now();
      await tested.endpointsAre({ healthy: 2, unhealthy: 1 });
      t.diagnostic(`found out after ${(performance.now() - startMs).toFixed(0)} ms`);
      assert.equal(await tested.answering(100), 'a,c');
      await mends();
      await tested.endpointsAre({ healthy: 3 });
      await tested.comesBack();
    });

  test('are 503 no_healthy_endpoint when all are unhealthy, and serve again when one is back', async () => {
    const tested = serviceOf('all');
    await tested.endpointsAre({ healthy: 3 });
    for (const name of ['a', 'b', 'c'] as const) fickleOf('all', name).set({ health: 500 });
    await tested.endpointsAre({ unhealthy: 3 });
    assert.deepEqual(await tested.ask(20), { '503 no_healthy_endpoint': 20 });
    fickleOf('all', 'c').set({ health: 200 });
    await tested.endpointsAre({ unhealthy: 2, healthy: 1 });
    assert.deepEqual(await tested.ask(20), { c: 20 });
  });

  test('get requests all the same in a panic', async () => {
    const tested = serviceOf('panic');
    await tested.endpointsAre({ healthy: 3 });
    for (const name of ['a', 'b'] as const) fickleOf('panic', name).set({ health: 500 });
    await tested.endpointsAre({ healthy: 1, unhealthy: 2 });
    assert.equal(await tested.answering(), 'a,b,c');
  });
});

describe('endpoints with passive checks', { concurrency: true }, () => {
  test('one that refuses connections is ejected within 3 failed requests', async (t) => {
    const tested = serviceOf('refusing');
    assert.equal(await tested.answering(), 'a,b,c');
    await mendable.get('refusing')!.kill();
    const seen = await tested.ask(100);
    t.diagnostic(JSON.stringify(seen));
    assert.equal(seen['502 upstream_connect_failed'], 3, JSON.stringify(seen));
    assert.equal(failures(seen), 3);
    await mendable.get('refusing')!.start();
    await tested.endpointsAre({ unknown: 3 });
    await tested.comesBack();
  });

  test('those that answer with errors are ejected, if they are not too many', async (t) => {
    const tested = serviceOf('erring');
    for (const name of ['a', 'b'] as const) fickleOf('erring', name).set({ status: 503 });
    t.diagnostic(JSON.stringify(await tested.ask(60)));
    // Of three one may be ejected; the other goes on to fail.
    await tested.endpointsAre({ unknown: 2, ejected: 1 });
    assert.equal(await tested.answering(60), '503,c');
    assert.equal(await tested.ejections(), 1);
  });

  test('one that hangs is ejected like one that answers with errors', async (t) => {
    const tested = serviceOf('silent');
    assert.equal(await tested.answering(), 'a,b,c');
    mendable.get('silent')!.stop();
    const seen = await tested.ask(60);
    t.diagnostic(JSON.stringify(seen));
    assert.equal(seen['504 upstream_timeout'], 3, JSON.stringify(seen));
    assert.equal(failures(seen), 3);
  });

  test('one that goes to and fro is ejected less and less often', async (t) => {
    const tested = serviceOf('flapping');
    fickleOf('flapping', 'a').set({ status: 503 });
    const endMs = performance.now() + 5000;
    let failed = 0;
    while (performance.now() < endMs) failed += failures(await tested.ask(10));
    const ejections = await tested.ejections();
    t.diagnostic(`${ejections} ejections, ${failed} failures`);
    // 0.3 s, 0.6 s and so on up to 1.5 s, each a little longer, are nearly 5 s.
    assert.ok(ejections >= 2 && ejections <= 6, `${ejections} ejections`);
    // Three each time, and what was under way on the other worker.
    assert.ok(failed <= 3 * (ejections + 1), `${failed} failures in ${ejections} ejections`);
  });
});

describe('workers that begin later', () => {
  test('know what the others knew', async () => {
    const tested = serviceOf('late');
    await tested.endpointsAre({ healthy: 3 });
    fickleOf('late', 'a').set({ health: 500 });
    await tested.endpointsAre({ healthy: 2, unhealthy: 1 });
    const { admin } = served.system;
    const { status } = await admin.call('POST', `nodes/${served.node.id}/restartWorkers`);
    assert.equal(status, 202);
    await eventually(() => admin.call('GET', `nodes/${served.node.id}`), {
      what: 'the workers are replaced',
      until: (answer) => answer.field('status', 'workersToReplace') === undefined,
    });
    assert.equal(await tested.answering(60), 'b,c');
  });
});
