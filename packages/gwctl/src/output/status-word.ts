import type { Condition, Status } from '@causeway/model/resource';

/** The worst condition in one word, worst first: what a user has to look at before anything else. */
export function statusWord(status: Status | undefined): string {
  const conditions = status?.conditions ?? [];
  const is = (type: Condition['type'], value: Condition['status']): Condition | undefined =>
    conditions.find((condition) => condition.type === type && condition.status === value);
  if (is('Accepted', 'False')) return 'Invalid';
  if (is('ResolvedRefs', 'False')) return 'Unresolved';
  if (is('Programmed', 'False')?.reason === 'Rejected') return 'Rejected';
  if (is('Degraded', 'True')) return 'Degraded';
  if (is('Programmed', 'False') ?? is('Programmed', 'Unknown')) return 'Pending';
  return is('Programmed', 'True') ? 'Programmed' : 'Accepted';
}
