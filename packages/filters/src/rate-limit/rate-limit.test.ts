import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fieldValue } from '../fields.ts';
import type { Refusal, Verdict } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import type { Identity } from '../identity.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { addressGroup } from './address-group.ts';
import type { Buckets, LimitId, Rate } from './buckets.ts';
import { noClusterBuckets } from './cluster-buckets.ts';
import { RateLimitFilter, type RateLimitSettings } from './rate-limit.ts';

/** Buckets in which no time passes: what is taken is taken. */
class StillBuckets implements Buckets {
  readonly owed = new Map<string, number>();

  #limits = 0;

  limitId() {
    return { low: this.#limits++, high: 0 };
  }

  take(limit: LimitId, name: string, { intervalNs, capacity }: Rate, cost: number, needed: number): number {
    const key = bucketOf(limit, name);
    const owedNs = this.owed.get(key) ?? 0;
    const missingNs = owedNs + (needed - capacity) * intervalNs;
    if (missingNs > 0) return -missingNs;
    this.owed.set(key, owedNs + cost * intervalNs);
    return owedNs + cost * intervalNs;
  }

  charge(limit: LimitId, name: string, { intervalNs }: Rate, cost: number): number {
    const key = bucketOf(limit, name);
    const owesNs = (this.owed.get(key) ?? 0) + cost * intervalNs;
    this.owed.set(key, owesNs);
    return owesNs;
  }
}

/** The first limit of a filter, the one without a tier, has its keys plain. */
function bucketOf({ low }: LimitId, key: string): string {
  return low === 0 ? key : `${low} ${key}`;
}

const plain: RateLimitSettings = {
  id: 'route/shop/r/rateLimit',
  namespace: 'shop',
  requests: 10,
  perSeconds: 60,
  burst: 3,
  key: [{ kind: 'address' }],
  cost: 1,
  tiers: [],
  headers: true,
  enforcedPercent: 100,
  onFailure: undefined,
};

const acme: Identity = {
  consumer: 'acme',
  namespace: 'shop',
  isConsumer: true,
  groups: ['gold'],
  scopes: [],
  claims: { org: 7 },
};

function start(settings: Partial<RateLimitSettings> = {}) {
  const buckets = new StillBuckets();
  const filter = new RateLimitFilter('per-client', { ...plain, ...settings }, buckets, noClusterBuckets);
  const ask = (
    prepare: (owner: FakeOwner) => void = () => {},
    answer: string[] = [],
  ): { verdict: Verdict; fields: string[] } => {
    const owner = new FakeOwner(new FilterChain([]));
    prepare(owner);
    const state = filter.createState();
    const verdict = filter.onRequestHead(owner, state) as Verdict;
    owner.responseFields = answer;
    void filter.onResponseHead(owner, state);
    return { verdict, fields: owner.responseFields };
  };
  return { buckets, ask };
}

describe('rateLimit', () => {
  it('lets the burst pass, says what is left, and refuses the rest', () => {
    const { ask } = start();
    const left = [1, 2, 3].map(() => fieldValue(ask().fields, 'ratelimit'));
    assert.deepEqual(left, ['"per-client";r=2;t=6', '"per-client";r=1;t=12', '"per-client";r=0;t=6']);
    const { verdict, fields } = ask();
    assert.deepEqual(verdict, {
      kind: 'refusal',
      reason: 'rate_limited',
      detail: 'The limit per-client is used up.',
      fields: ['retry-after', '6'],
      members: {
        type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        'violated-policies': ['per-client'],
      },
    });
    assert.equal(fieldValue(fields, 'ratelimit-policy'), '"per-client";q=10;w=60');
    assert.equal(fieldValue(fields, 'ratelimit'), '"per-client";r=0;t=6');
  });

  it('joins what other limits say in one list, or says nothing', () => {
    const { ask } = start();
    const { fields } = ask(undefined, [
      'RateLimit',
      '"other";r=1;t=1',
      'RateLimit-Policy',
      '"other";q=1;w=1',
    ]);
    assert.equal(fieldValue(fields, 'ratelimit'), '"other";r=1;t=1, "per-client";r=2;t=6');
    assert.equal(fieldValue(fields, 'ratelimit-policy'), '"other";q=1;w=1, "per-client";q=10;w=60');
    assert.deepEqual(start({ headers: false }).ask().fields, []);
  });

  it('has a bucket for each key, and the address in the place of what is missing', () => {
    const byHeader = start({ key: [{ kind: 'header', name: 'x-tenant' }] });
    byHeader.ask((owner) => owner.headers.set('x-tenant', 'a'));
    byHeader.ask((owner) => owner.headers.set('x-tenant', '203.0.113.1'));
    byHeader.ask();
    assert.deepEqual([...byHeader.buckets.owed.keys()], ['=a', '=203.0.113.1', '203.0.113.1']);
    const byPair = start({ key: [{ kind: 'consumer' }, { kind: 'claim', name: 'org' }, { kind: 'route' }] });
    byPair.ask((owner) => owner.identify(acme));
    byPair.ask();
    assert.deepEqual(
      [...byPair.buckets.owed.keys()],
      ['10:=shop/acme2:=710:=default/r', '11:203.0.113.111:203.0.113.110:=default/r'],
    );
  });

  it('tells the tightest limit in the older fields too, where they are wanted', () => {
    const { ask } = start();
    const legacy = (owner: FakeOwner): void => {
      owner.legacyRateLimitHeaders = true;
    };
    const older = (fields: readonly string[]): unknown[] =>
      ['limit', 'remaining', 'reset'].map((name) => fieldValue(fields, `x-ratelimit-${name}`));
    assert.deepEqual(older(ask().fields), [undefined, undefined, undefined]);
    assert.deepEqual(older(ask(legacy).fields), ['10', '1', '12']);
    const looser = ['X-RateLimit-Limit', '9', 'X-RateLimit-Remaining', '8', 'X-RateLimit-Reset', '7'];
    assert.deepEqual(older(ask(legacy, looser).fields), ['10', '0', '6']);
    const tighter = ['x-ratelimit-limit', '9', 'x-ratelimit-remaining', '0', 'x-ratelimit-reset', '7'];
    assert.deepEqual(older(ask(legacy, tighter).fields), ['9', '0', '7']);
    assert.deepEqual(start({ headers: false }).ask(legacy).fields, []);
  });

  it('has other numbers for a tier, the first that fits', () => {
    const tiers = [
      { requests: 1, perSeconds: 1, burst: 1, groups: ['silver'], consumers: [] },
      { requests: 100, perSeconds: 1, burst: 50, groups: ['gold'], consumers: [] },
      { requests: 7, perSeconds: 1, burst: 7, groups: [], consumers: ['acme'] },
    ];
    const { ask } = start({ tiers });
    const policy = ask((owner) => owner.identify(acme)).fields;
    assert.equal(fieldValue(policy, 'ratelimit-policy'), '"per-client";q=100;w=1');
    assert.equal(fieldValue(ask().fields, 'ratelimit-policy'), '"per-client";q=10;w=60');
    // What one tier owes is nothing to another.
    for (let n = 0; n < 3; n += 1) ask();
    assert.equal((ask().verdict as Refusal).reason, 'rate_limited');
    assert.equal(ask((owner) => owner.identify(acme)).verdict, undefined);
    // Somebody of the same name in another namespace is somebody else.
    const stranger = { ...acme, namespace: 'other', groups: [] };
    const named = ask((owner) => owner.identify({ ...acme, groups: [] })).fields;
    assert.equal(fieldValue(named, 'ratelimit-policy'), '"per-client";q=7;w=1');
    const other = ask((owner) => owner.identify(stranger)).fields;
    assert.equal(fieldValue(other, 'ratelimit-policy'), '"per-client";q=10;w=60');
  });

  it('takes what a request costs, and charges afterwards what an answer says', () => {
    const dear = start({ cost: 2 });
    assert.equal(dear.ask().verdict, undefined);
    const refused = dear.ask();
    assert.equal((refused.verdict as Refusal).reason, 'rate_limited');
    assert.equal(fieldValue(refused.fields, 'ratelimit'), '"per-client";r=1;t=6');
    const later = start({ cost: { responseHeader: 'x-tokens' } });
    for (const value of ['-1', 'many', '1.5', '']) later.ask(undefined, ['X-Tokens', value]);
    assert.deepEqual([...later.buckets.owed.values()], [0]);
    const charged = later.ask(undefined, ['X-Tokens', '3']);
    assert.equal(fieldValue(charged.fields, 'ratelimit'), '"per-client";r=0;t=6');
    assert.equal((later.ask().verdict as Refusal).reason, 'rate_limited');
  });
});

describe('addresses', () => {
  const groups: [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ];
  for (const [address, group] of groups)
    it(`of ${address} count as ${group}`, () => {
      assert.equal(addressGroup(address), group);
    });
});
