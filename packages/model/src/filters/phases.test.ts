import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { filterKinds } from './filter-kinds.ts';
import { phaseRank, phases } from './phases.ts';

const rankOf = (filter: string): number =>
  phases.findIndex(({ filters }) => filters.some((each) => each === filter));

describe('phases', () => {
  it('hold every filter that there is, in the phase that it names', () => {
    for (const { key, phase } of filterKinds) {
      const holders = phases.filter(({ filters }) => filters.some((each) => each === key));
      assert.ok(holders.length > 0, key);
      if (typeof phase === 'string')
        assert.deepEqual(
          holders.map(({ name }) => name),
          [phase],
          key,
        );
    }
  });

  it('name each phase once, and each filter once but for limits, which may need an identity', () => {
    assert.equal(new Set(phases.map(({ name }) => name)).size, phases.length);
    const twice = phases
      .flatMap(({ filters }): readonly string[] => filters)
      .filter((filter, index, all) => all.indexOf(filter) !== index);
    assert.deepEqual(twice, ['rateLimit', 'concurrency']);
    assert.ok(phaseRank('limits') < phaseRank('authentication'));
    assert.ok(phaseRank('authorization') < phaseRank('identityLimits'));
  });

  it('keep the order on which protection depends', () => {
    const order = [
      'ipRestriction',
      'cors',
      'jwt',
      'authorize',
      'validate',
      'respond',
      'cache',
      'headers',
      'mirror',
    ];
    assert.deepEqual(
      order.toSorted((a, b) => rankOf(a) - rankOf(b)),
      order,
    );
    // Responses come the other way: compressed after their headers are final, before cors adds its own.
    assert.ok(rankOf('cors') < rankOf('compress') && rankOf('compress') < rankOf('headers'));
  });
});
