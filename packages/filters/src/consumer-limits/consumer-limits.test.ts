import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { ConsumerLimits } from '../consumers.ts';
import { fieldValue } from '../fields.ts';
import type { Refusal, Verdict } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import type { Buckets, LimitId, Rate } from '../rate-limit/buckets.ts';
import type { ClusterBuckets, ClusterTake } from '../rate-limit/cluster-buckets.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { ConsumerLimitsFilter } from './consumer-limits.ts';

/** Buckets in which no time passes, one for each limit. */
class StillBuckets implements Buckets {
  readonly owed = new Map<string, number>();

  limitId(text: string): LimitId {
    return { low: text.length, high: 0 };
  }

  take({ low }: LimitId, key: string, { intervalNs, capacity }: Rate, cost: number): number {
    const owed = this.owed.get(`${key} ${low}`) ?? 0;
    if (owed + cost > capacity) return -intervalNs;
    this.owed.set(`${key} ${low}`, owed + cost);
    return (owed + cost) * intervalNs;
  }

  charge({ low }: LimitId, key: string, { intervalNs }: Rate, cost: number): number {
    const owed = (this.owed.get(`${key} ${low}`) ?? 0) + cost;
    this.owed.set(`${key} ${low}`, owed);
    return owed * intervalNs;
  }
}

/** Answers what it is told to, at once. */
class Cluster implements ClusterBuckets {
  nodes = 2;
  answer: readonly number[] | undefined;
  uncounted = 0;
  readonly asked: (readonly ClusterTake[])[] = [];

  take(_key: string, takes: readonly ClusterTake[]) {
    this.asked.push(takes);
    return this.answer;
  }

  noteUncounted(): void {
    this.uncounted += 1;
  }
}

const rate = (name: string, requests: number, isShared: boolean) => ({
  name,
  requests,
  perSeconds: 60,
  burst: requests,
  isShared,
});

function start(limits: Omit<ConsumerLimits, 'consumer'>) {
  const [buckets, cluster, clock] = [new StillBuckets(), new Cluster(), { nowMs: Date.UTC(2026, 8, 24, 12) }];
  const filter = new ConsumerLimitsFilter({ buckets, clusterBuckets: cluster, wallMs: () => clock.nowMs });
  const held = { consumer: 'shop/acme', ...limits };
  const ask = () => {
    const owner = new FakeOwner(new FilterChain([]));
    const [consumer, namespace] = ['acme', 'shop'];
    owner.identify({
      consumer,
      namespace,
      isConsumer: true,
      limits: held,
      groups: [],
      scopes: [],
      claims: {},
    });
    const state = filter.createState();
    const verdict = filter.onRequestHead(owner, state) as Verdict;
    owner.responseFields = [];
    filter.onResponseHead(owner, state);
    const told = fieldValue(owner.responseFields, 'ratelimit');
    return { verdict: verdict as Refusal | undefined, told, fields: owner.responseFields };
  };
  return { ask, buckets, cluster, clock };
}

describe('limits of Consumers', () => {
  it('give back what others of them refuse', () => {
    const { ask, cluster } = start({
      rates: [rate('own', 2, false), rate('tiny', 1, false), rate('shared', 5, true)],
      quotas: [],
    });
    cluster.answer = [-7e9];
    const { verdict, told } = ask();
    assert.deepEqual(verdict?.members?.['violated-policies'], ['shared']);
    assert.deepEqual(verdict.fields, ['retry-after', '7']);
    assert.equal(told, '"own";r=2;t=0, "tiny";r=1;t=0, "shared";r=0;t=7');
    cluster.answer = [12e9];
    assert.equal(ask().verdict, undefined);
    assert.deepEqual(ask().verdict?.members?.['violated-policies'], ['tiny']);
    assert.equal(ask().told, '"own";r=1;t=30, "tiny";r=0;t=60');
  });

  it('are held by shares while nobody counts for all, and quotas are not', () => {
    const { ask, cluster } = start({
      rates: [rate('shared', 4, true)],
      quotas: [{ name: 'daily', requests: 1, per: 'day', timeZone: 'UTC' }],
    });
    assert.deepEqual(
      [ask(), ask(), ask()].map(({ verdict }) => verdict?.reason),
      [undefined, undefined, 'rate_limited'],
    );
    assert.equal(cluster.uncounted, 3);
    assert.equal(ask().fields.join(' ').includes('daily'), false);
  });

  it('tell of a quota until its period ends, and then of the next', () => {
    const { ask, cluster, clock } = start({
      rates: [],
      quotas: [
        { name: 'daily', requests: 10, per: 'day', timeZone: 'UTC' },
        { name: 'monthly', requests: 100, per: 'month', timeZone: 'UTC' },
      ],
    });
    cluster.answer = [4, 100];
    assert.equal(ask().told, '"daily";r=6;t=43200, "monthly";r=0;t=561600');
    cluster.answer = [4, -1];
    const { verdict } = ask();
    assert.equal(verdict?.reason, 'quota_exceeded');
    assert.equal(verdict.detail, 'The quota monthly is used up.');
    assert.deepEqual(verdict.fields, ['retry-after', '561600']);
    clock.nowMs += 43_200_000;
    ask();
    const [first, , last] = cluster.asked;
    assert.notEqual(first![0]!.limit, last![0]!.limit, 'another day');
    assert.equal(first![1]!.limit, last![1]!.limit, 'the same month');
    cluster.answer = [-1, -1];
    assert.equal(ask().verdict?.detail, 'The quotas daily, monthly are used up.');
  });
});
