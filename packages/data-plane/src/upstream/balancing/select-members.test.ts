import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type SelectionRule, selectMembers } from './select-members.ts';

interface Named {
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  readonly zone: string | undefined;
  readonly isWell: boolean;
}

const member = (name: string, more: Partial<Named> = {}): Named => ({
  name,
  weight: 1,
  priority: 0,
  zone: undefined,
  isWell: true,
  ...more,
});
const ill = { isWell: false };
const rule: SelectionRule = { policy: 'roundRobin', prefersZone: false, spillPercent: 70, panicPercent: 0 };

function selected(members: readonly Named[], more: Partial<SelectionRule> = {}, zone = 'a') {
  const found = selectMembers(members, ({ isWell }) => isWell, { ...rule, ...more }, zone);
  const names = (list: readonly Named[]): string => list.map(({ name }) => name).join('');
  return { selected: names(found.selected), allowed: names(found.allowed), usable: names(found.usable) };
}

describe('selectMembers', () => {
  it('passes over those without weight and those that are ill', () => {
    const members = [member('1'), member('2', { weight: 0 }), member('3', ill)];
    assert.equal(selected(members).selected, '1');
    assert.equal(selected([member('1', ill)]).selected, '');
  });

  it('ignores health when fewer than panicPercent are healthy', () => {
    const members = [member('1'), member('2', ill), member('3', ill), member('4', ill)];
    for (const [panicPercent, names] of [
      [0, '1'],
      [25, '1'],
      [26, '1234'],
    ] as const)
      assert.equal(selected(members, { panicPercent }).selected, names, String(panicPercent));
    const none = [member('1', ill), member('2', ill), member('3', { weight: 0 })];
    assert.equal(selected(none, { panicPercent: 1 }).selected, '12');
  });

  it('first: takes the best group in which somebody is healthy', () => {
    const members = [
      member('1', { priority: 1 }),
      member('2', { priority: 5 }),
      member('3', { priority: 1, ...ill }),
    ];
    const first = { policy: 'first' } as const;
    assert.deepEqual(selected(members, first), { selected: '1', allowed: '1', usable: '12' });
    assert.equal(selected([member('0', ill), ...members.slice(1)], first).selected, '2');
    assert.equal(selected(members).selected, '12', 'other policies know no groups');
  });

  it('prefers the zone while spillPercent of it are healthy', () => {
    const zone = (name: string, healthy: number): Named[] =>
      Array.from({ length: 4 }, (_, index) =>
        member(`${name}${index}`, { zone: name, isWell: index < healthy }),
      );
    const prefers = { prefersZone: true, spillPercent: 75 };
    assert.equal(selected([...zone('a', 3), ...zone('b', 4)], prefers).selected, 'a0a1a2');
    assert.equal(selected([...zone('a', 2), ...zone('b', 2)], prefers).selected, 'a0a1b0b1');
    assert.equal(selected([...zone('a', 3), ...zone('b', 4)], prefers).allowed, 'a0a1a2b0b1b2b3');
    assert.equal(
      selected([...zone('a', 3), ...zone('b', 1)], { ...prefers, prefersZone: false }).selected,
      'a0a1a2b0',
    );
    // Even then, nobody is not enough.
    assert.equal(
      selected([...zone('a', 0), ...zone('b', 1)], { prefersZone: true, spillPercent: 0 }).selected,
      'b0',
    );
    assert.equal(selected(zone('b', 1), prefers).selected, 'b0', 'a zone without endpoints');
  });

  it('knows no zone on a node that has none', () => {
    const members = [member('1', { zone: 'a' }), member('2')];
    const found = selectMembers(members, () => true, { ...rule, prefersZone: true }, undefined);
    assert.equal(found.selected.length, 2);
  });

  it('first with zones: within the group', () => {
    const members = [
      member('1', { zone: 'b' }),
      member('2', { zone: 'a' }),
      member('3', { zone: 'a', priority: 1, ...ill }),
    ];
    assert.equal(selected(members, { policy: 'first', prefersZone: true }).selected, '2');
  });
});
