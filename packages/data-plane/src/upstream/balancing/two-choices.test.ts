import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { chiSquare, chiSquareLimit, countPicks, seededRandom } from '../../testing/distribution.ts';
import { simulate, type SimulatedEndpoint } from '../../testing/simulated-load.ts';
import { peakCost, PeakLatency } from './peak-latency.ts';
import { leastRequestCost, TwoChoices } from './two-choices.ts';

const endpointsOf = (serviceMs: readonly number[]): SimulatedEndpoint[] =>
  serviceMs.map((ms) => ({ serviceMs: ms, active: 0, done: 0, latency: new PeakLatency() }));
const membersOf = (endpoints: readonly SimulatedEndpoint[], weights: readonly number[] = []) =>
  endpoints.map((endpoint, index) => ({ endpoint, weight: weights[index] ?? 1 }));
const activeOf = ({ active }: SimulatedEndpoint): number => active;

/** What share of all requests the endpoint had. */
const shareOf = (endpoints: readonly SimulatedEndpoint[], index: number): number =>
  endpoints[index]!.done / endpoints.reduce((sum, { done }) => sum + done, 0);

function leastRequest(endpoints: readonly SimulatedEndpoint[], weights?: readonly number[], seed = 1) {
  const balancer = new TwoChoices(seededRandom(seed), leastRequestCost(activeOf));
  balancer.setMembers(membersOf(endpoints, weights));
  return balancer;
}

function peakEwma(
  endpoints: readonly SimulatedEndpoint[],
  clock: { nowMs: number },
  weights?: readonly number[],
) {
  const cost = peakCost<SimulatedEndpoint>(
    ({ latency }) => latency,
    activeOf,
    () => clock.nowMs,
  );
  const balancer = new TwoChoices(seededRandom(1), cost);
  balancer.setMembers(membersOf(endpoints, weights));
  return balancer;
}

describe('leastRequest', () => {
  it('spreads by weight where nothing is in flight, and where everything is', () => {
    const weights = [1, 2, 3, 4];
    const idle = endpointsOf([1, 1, 1, 1]);
    const balancer = leastRequest(idle, weights);
    const counts = countPicks(100_000, () => balancer.pick());
    const found = chiSquare(
      idle.map((endpoint) => counts.get(endpoint) ?? 0),
      weights,
    );
    assert.ok(found < chiSquareLimit(3), `chi-square ${found}`);
    const busy = leastRequest(idle, weights, 2);
    for (let count = 0; count < 100_000; count += 1) busy.pick()!.active += 1;
    for (const [index, { active }] of idle.entries())
      assert.ok(Math.abs(active - weights[index]! * 10_000) < 100, `${active} of weight ${weights[index]}`);
  });

  it('gives one that is ten times slower less than a tenth of the work, with 64 in flight', () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const endpoints = endpointsOf([100, 10, 10, 10]);
      const balancer = leastRequest(endpoints, undefined, seed);
      simulate({ requests: 100_000, inFlight: 64, clock: { nowMs: 0 }, pick: () => balancer.pick()! });
      const share = shareOf(endpoints, 0);
      assert.ok(share < 0.1 && share > 0.01, `seed ${seed}: ${share}`);
    }
  });

  it('takes the only one there is, and none without', () => {
    const [only] = endpointsOf([1]);
    assert.equal(leastRequest([only!]).pick(), only);
    assert.equal(leastRequest([]).pick(), undefined);
  });
});

describe('peakEwma', () => {
  it('spreads by weight where all are alike', () => {
    const endpoints = endpointsOf([5, 5, 5, 5]);
    const clock = { nowMs: 0 };
    for (const { latency } of endpoints) latency.observe(5, 0);
    const balancer = peakEwma(endpoints, clock, [1, 2, 3, 4]);
    const counts = countPicks(100_000, () => balancer.pick());
    const found = chiSquare(
      endpoints.map((endpoint) => counts.get(endpoint) ?? 0),
      [1, 2, 3, 4],
    );
    assert.ok(found < chiSquareLimit(3), `chi-square ${found}`);
  });

  it('gives one that is ten times slower less than a tenth of the work, with few in flight too', () => {
    for (const inFlight of [2, 64]) {
      const endpoints = endpointsOf([100, 10, 10, 10]);
      const clock = { nowMs: 0 };
      const balancer = peakEwma(endpoints, clock);
      simulate({ requests: 100_000, inFlight, clock, pick: () => balancer.pick()! });
      const share = shareOf(endpoints, 0);
      assert.ok(share < 0.1 && share > 0, `${inFlight} in flight: ${share}`);
    }
  });

  it('comes back to one that has become fast again', () => {
    const endpoints = endpointsOf([1000, 10, 10, 10]);
    const clock = { nowMs: 0 };
    const balancer = peakEwma(endpoints, clock);
    const pick = () => balancer.pick()!;
    simulate({ requests: 10_000, inFlight: 8, clock, pick });
    endpoints[0]!.serviceMs = 10;
    simulate({ requests: 50_000, inFlight: 8, clock, pick });
    for (const endpoint of endpoints) endpoint.done = 0;
    simulate({ requests: 10_000, inFlight: 8, clock, pick });
    assert.ok(shareOf(endpoints, 0) > 0.2, String(shareOf(endpoints, 0)));
  });

  it('sends a newcomer one request, and no more before its answer', () => {
    const endpoints = endpointsOf([10, 10, 10, 10]);
    for (const { latency } of endpoints.slice(1)) latency.observe(10, 0);
    const balancer = peakEwma(endpoints, { nowMs: 0 });
    for (let count = 0; count < 1000; count += 1) balancer.pick()!.active += 1;
    assert.equal(endpoints[0]!.active, 1);
  });
});

describe('PeakLatency', () => {
  it('jumps up, comes down slowly and fades', () => {
    const latency = new PeakLatency();
    latency.observe(10, 0);
    latency.observe(100, 1);
    assert.equal(latency.at(1), 100);
    latency.observe(10, 1001);
    assert.ok(latency.at(1001) > 85 && latency.at(1001) < 100);
    for (let ms = 2000; ms < 62_000; ms += 1000) latency.observe(10, ms);
    assert.ok(Math.abs(latency.at(61_000) - 10) < 0.5);
    assert.ok(latency.at(161_000) < 0.001);
  });

  it('takes a failure for a second, so that who refuses at once is not fast', () => {
    const latency = new PeakLatency();
    latency.observe(undefined, 0);
    assert.equal(latency.at(0), 1000);
  });
});
