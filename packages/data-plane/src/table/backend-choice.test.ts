import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { fakeRequest, sentBack } from '../testing/choice-requests.ts';
import { countPicks } from '../testing/distribution.ts';
import { AffinityKeys } from '../upstream/balancing/affinity-keys.ts';
import type { AffinitySettings } from '../upstream/balancing/balancing-settings.ts';
import { BackendChoice } from './backend-choice.ts';

const keys = new AffinityKeys();
const byUser: AffinitySettings = { by: { kind: 'header', name: 'x-user-id' } };
const byCookie: AffinitySettings = {
  cookie: { name: 'sid', ttlSeconds: 0, path: '/', sameSite: 'Lax', domain: undefined },
};

function choiceOf(
  weights: readonly number[],
  affinity?: AffinitySettings,
  route = 'default/r',
): BackendChoice {
  const backends = weights.map((weight, index) => ({ service: `default/s${index}`, weight }));
  return new BackendChoice(route, backends, affinity);
}

const user = (name: string) => fakeRequest({ 'x-user-id': name }).request;
const anyWeights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 });

describe('BackendChoice without affinity', () => {
  it('is exact over each full cycle, and gives nothing to a weight of 0', () => {
    const choice = choiceOf([90, 0, 10]);
    for (let cycle = 0; cycle < 3; cycle += 1)
      assert.deepEqual(Object.fromEntries(countPicks(100, () => choice.next(undefined, keys)!)), {
        'default/s0': 90,
        'default/s2': 10,
      });
    assert.equal(choiceOf([0, 0]).next(undefined, keys), undefined);
    assert.equal(choice.looksAtRequest, false);
  });
});

describe('BackendChoice by a value', () => {
  it('never moves a client away from a backend whose weight is raised', () => {
    fc.assert(
      fc.property(anyWeights, fc.string({ minLength: 1 }), fc.nat(), (weights, name, at) => {
        const raised = at % weights.length;
        const before = choiceOf(weights, byUser).next(user(name), keys);
        const after = choiceOf(weights.with(raised, weights[raised]! + 50), byUser).next(user(name), keys);
        assert.ok(after === before || after === `default/s${raised}`);
      }),
      { numRuns: 500 },
    );
  });

  it('gives nothing to a weight of 0, and the same always', () => {
    const choice = choiceOf([50, 0, 50], byUser);
    for (let count = 0; count < 1000; count += 1) {
      const first = choice.next(user(`u${count}`), keys);
      assert.notEqual(first, 'default/s1');
      assert.equal(choice.next(user(`u${count}`), keys), first);
    }
    assert.equal(choiceOf([0], byUser).next(user('u'), keys), undefined);
  });

  it('goes by weight for requests without the value', () => {
    const choice = choiceOf([3, 1], byUser);
    const counts = countPicks(8, () => choice.next(fakeRequest().request, keys)!);
    assert.deepEqual(Object.fromEntries(counts), { 'default/s0': 6, 'default/s1': 2 });
  });
});

describe('BackendChoice by cookie', () => {
  it('keeps a client where it was, whatever the weights become', () => {
    fc.assert(
      fc.property(anyWeights, anyWeights, (weights, later) => {
        const first = fakeRequest();
        const backend = choiceOf(weights, byCookie).next(first.request, keys);
        if (backend === undefined) return;
        assert.equal(first.record.affinity, 'new');
        const second = fakeRequest(sentBack(first.request.setCookies(false)));
        const index = Number(backend.slice(-1));
        const then = choiceOf(later, byCookie).next(second.request, keys);
        if ((later[index] ?? 0) > 0) {
          assert.equal(then, backend);
          assert.equal(second.record.affinity, 'kept');
          assert.deepEqual(second.request.setCookies(false), []);
        } else if (then !== undefined) {
          assert.notEqual(then, backend);
          assert.equal(second.record.affinity, 'moved');
          assert.equal(second.request.setCookies(false).length, 1);
        }
      }),
    );
  });

  it('takes no cookie of another Route', () => {
    const first = fakeRequest();
    choiceOf([1, 1], byCookie, 'default/other').next(first.request, keys);
    const second = fakeRequest(sentBack(first.request.setCookies(false)));
    choiceOf([1, 1], byCookie).next(second.request, keys);
    assert.equal(second.record.affinity, 'new');
  });
});
