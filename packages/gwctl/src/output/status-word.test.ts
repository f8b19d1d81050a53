import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Condition, Status } from '@causeway/model/resource';
import { statusWord } from './status-word.ts';

function status(...conditions: [Condition['type'], Condition['status'], string?][]): Status {
  return {
    observedGeneration: 1,
    nodes: { total: 1, applied: 1, pending: 0, rejected: 0 },
    revision: 1,
    conditions: conditions.map(([type, value, reason = '']) => ({
      type,
      status: value,
      reason,
      message: '',
      observedGeneration: 1,
      lastTransitionTime: '',
    })),
  };
}

it('STATUS is the worst condition', () => {
  const cases: [string, Status][] = [
    ['Programmed', status(['Accepted', 'True'], ['Programmed', 'True'])],
    ['Accepted', status(['Accepted', 'True'])],
    ['Pending', status(['Programmed', 'False', 'Pending'])],
    ['Pending', status(['Programmed', 'Unknown', 'NoNodes'])],
    ['Degraded', status(['Programmed', 'False', 'Pending'], ['Degraded', 'True'])],
    ['Rejected', status(['Degraded', 'True'], ['Programmed', 'False', 'Rejected'])],
    ['Unresolved', status(['Programmed', 'False', 'Rejected'], ['ResolvedRefs', 'False'])],
    ['Invalid', status(['ResolvedRefs', 'False'], ['Accepted', 'False'])],
  ];
  for (const [word, given] of cases) assert.equal(statusWord(given), word);
  assert.equal(statusWord(undefined), 'Accepted');
});
