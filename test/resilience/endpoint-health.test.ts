// D18: endpoints that die, hang, fail and come back, and what clients of a node with two workers see of it.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { request } from 'undici';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import type { Owner } from '../kit/owner.ts';
import { type DataPlaneNode, startSystem, type System } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { type MendableUpstream, startMendable } from './mendable-upstream.ts';

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
type Seen = string;

class Fleet {
  readonly upstreams: readonly MendableUpstream[];
  readonly system: System;
  readonly node: DataPlaneNode;
  readonly #url: string;

  private constructor(upstreams: readonly MendableUpstream[], system: System, port: number) {
    this.upstreams = upstreams;
    this.system = system;
    this.node = system.nodes[0]!;
    this.#url = `http://127.0.0.1:${port}/`;
  }

  /** Three upstreams behind a node of two workers. */
  static async start(owner: Owner, healthCheck: object): Promise<Fleet> {
    const upstreams = await Promise.all(['a', 'b', 'c'].map((name) => startMendable(owner, name)));
    const ports = upstreams.map(({ port }) => port);
    const system = await startSystem(owner, {
      resources: [
        gateway(),
        service('s', ports, { healthCheck, timeouts: { connect: '1s' } }),
        route('r', '/', 's', { timeouts: { responseHead: '1s' } }),
      ],
    });
    return new Fleet(upstreams, system, await system.nodes[0]!.trafficPort());
  }

  /** On a connection of its own, so that both workers have their share. */
  async ask(): Promise<Seen> {
    const { statusCode, body } = await request(this.#url, { reset: true });
    const text = await body.text();
    if (statusCode === 200) return text;
    const isProblem = text.startsWith('{');
    return isProblem
      ? `${statusCode} ${(JSON.parse(text) as { reason: string }).reason}`
      : String(statusCode);
  }

  /** How often each came, one after the other. */
  async askTimes(times: number): Promise<Record<Seen, number>> {
    const seen: Record<Seen, number> = {};
    for (let count = 0; count < times; count += 1) {
      const one = await this.ask();
      seen[one] = (seen[one] ?? 0) + 1;
    }
    return seen;
  }

  async endpointsAre(counts: Readonly<Record<string, number>>): Promise<void> {
    const states = ['unknown', 'healthy', 'unhealthy', 'ejected'];
    await eventually(() => scrape(this.node), {
      what: `endpoints are ${JSON.stringify(counts)}`,
      until: (metrics) =>
        states.every(
          (state) =>
            metrics.value('causeway_service_endpoints', { service: 'default/s', state }) ===
            (counts[state] ?? 0),
        ),
    });
  }

  async ejections(): Promise<number> {
    return (await scrape(this.node)).sum('causeway_endpoint_ejections_total');
  }

  /** What failed of these, by what came. */
  static failuresOf(seen: Readonly<Record<Seen, number>>): number {
    return Object.entries(seen).reduce((sum, [what, times]) => sum + (/^\d/.test(what) ? times : 0), 0);
  }
}

describe('endpoints with active checks', { concurrency: true }, () => {
  for (const [what, breaks, mends] of [
    ['is killed', (one: MendableUpstream) => one.kill(), (one: MendableUpstream) => one.start()],
    ['hangs', async (one: MendableUpstream) => one.stop(), async (one: MendableUpstream) => one.goOn()],
    [
      'says that it is not well',
      (one: MendableUpstream) => one.answer(200, 503),
      (one: MendableUpstream) => one.answer(200, 200),
    ],
  ] as const)
    test(`one that ${what} gets no requests until it is back`, async (t) => {
      const fleet = await Fleet.start(t, { active, passive: off });
      const [, broken] = fleet.upstreams;
      await fleet.endpointsAre({ healthy: 3 });
      assert.deepEqual(Object.keys(await fleet.askTimes(30)).toSorted(), ['a', 'b', 'c']);
      await breaks(broken!);
      const startMs = performance.now();
      await fleet.endpointsAre({ healthy: 2, unhealthy: 1 });
      t.diagnostic(`found out after ${(performance.now() - startMs).toFixed(0)} ms`);
      const seen = await fleet.askTimes(100);
      assert.deepEqual(Object.keys(seen).toSorted(), ['a', 'c'], JSON.stringify(seen));
      await mends(broken!);
      await fleet.endpointsAre({ healthy: 3 });
      assert.deepEqual(Object.keys(await fleet.askTimes(30)).toSorted(), ['a', 'b', 'c']);
    });

  test('are 503 no_healthy_endpoint when all are unhealthy, and serve again when one is back', async (t) => {
    const fleet = await Fleet.start(t, { active, passive: off });
    await fleet.endpointsAre({ healthy: 3 });
    for (const upstream of fleet.upstreams) await upstream.answer(200, 500);
    await fleet.endpointsAre({ unhealthy: 3 });
    assert.deepEqual(await fleet.askTimes(20), { '503 no_healthy_endpoint': 20 });
    await fleet.upstreams[2]!.answer(200, 200);
    await fleet.endpointsAre({ unhealthy: 2, healthy: 1 });
    assert.deepEqual(await fleet.askTimes(20), { c: 20 });
  });

  test('get requests all the same in a panic', async (t) => {
    const fleet = await Fleet.start(t, { active, passive: off, panicPercent: 50 });
    await fleet.endpointsAre({ healthy: 3 });
    for (const index of [0, 1]) await fleet.upstreams[index]!.answer(200, 500);
    await fleet.endpointsAre({ healthy: 1, unhealthy: 2 });
    assert.deepEqual(Object.keys(await fleet.askTimes(30)).toSorted(), ['a', 'b', 'c']);
  });

  test('are known to be what they were by workers that begin later', async (t) => {
    const fleet = await Fleet.start(t, { active, passive: off });
    await fleet.endpointsAre({ healthy: 3 });
    await fleet.upstreams[0]!.kill();
    await fleet.endpointsAre({ healthy: 2, unhealthy: 1 });
    const { status } = await fleet.system.admin.call('POST', `nodes/${fleet.node.id}/restartWorkers`);
    assert.equal(status, 202);
    await eventually(() => fleet.system.admin.call('GET', `nodes/${fleet.node.id}`), {
      what: 'the workers are replaced',
      until: (answer) => answer.field('status', 'workersToReplace') === undefined,
    });
    assert.deepEqual(Object.keys(await fleet.askTimes(60)).toSorted(), ['b', 'c']);
  });
});

describe('endpoints with passive checks', { concurrency: true }, () => {
  test('one that refuses connections is ejected within 3 failed requests', async (t) => {
    const fleet = await Fleet.start(t, { passive: { ejectFor: '1s' } });
    await fleet.askTimes(30);
    await fleet.upstreams[1]!.kill();
    const seen = await fleet.askTimes(200);
    t.diagnostic(JSON.stringify(seen));
    assert.equal(Fleet.failuresOf(seen), 3, JSON.stringify(seen));
    assert.equal(seen['502 upstream_connect_failed'], 3);
    assert.equal(await fleet.ejections(), 1);
    await fleet.upstreams[1]!.start();
    await fleet.endpointsAre({ unknown: 3 });
    assert.deepEqual(Object.keys(await fleet.askTimes(30)).toSorted(), ['a', 'b', 'c']);
  });

  test('those that fail are ejected if they are not too many', async (t) => {
    const fleet = await Fleet.start(t, {
      passive: { connectFailures: 0, consecutive5xx: 3, ejectFor: '1m' },
    });
    for (const index of [0, 1]) await fleet.upstreams[index]!.answer(503, 200);
    const before = await fleet.askTimes(60);
    t.diagnostic(JSON.stringify(before));
    // Of three one may be ejected; the other goes on to fail.
    await fleet.endpointsAre({ unknown: 2, ejected: 1 });
    const seen = await fleet.askTimes(60);
    assert.deepEqual(Object.keys(seen).toSorted(), ['503', 'c'], JSON.stringify(seen));
    assert.equal(await fleet.ejections(), 1);
  });

  test('one that hangs is ejected like one that answers 5xx', async (t) => {
    const fleet = await Fleet.start(t, { passive: { consecutive5xx: 3, ejectFor: '1m' } });
    await fleet.askTimes(12);
    fleet.upstreams[2]!.stop();
    const seen = await fleet.askTimes(60);
    t.diagnostic(JSON.stringify(seen));
    assert.equal(seen['504 upstream_timeout'], 3, JSON.stringify(seen));
    assert.equal(Fleet.failuresOf(seen), 3);
  });

  test('one that goes to and fro is ejected less and less often', async (t) => {
    const fleet = await Fleet.start(t, {
      passive: { consecutive5xx: 3, ejectFor: '300ms', maxEjectFor: '10s' },
    });
    await fleet.upstreams[0]!.answer(503, 200);
    const endMs = performance.now() + 5000;
    let failures = 0;
    while (performance.now() < endMs) {
      failures += Fleet.failuresOf(await fleet.askTimes(10));
      await sleep(5);
    }
    const ejections = await fleet.ejections();
    t.diagnostic(`${ejections} ejections, ${failures} failures`);
    // 0.3 s + 0.6 s + ... + 1.5 s, each a little longer, are more than 5 s with the next.
    assert.ok(ejections >= 2 && ejections <= 6, `${ejections} ejections`);
    assert.equal(failures <= 3 * (ejections + 1), true, `${failures} failures in ${ejections} ejections`);
  });
});
