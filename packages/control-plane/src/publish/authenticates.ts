import { filterKeys } from '@causeway/model/filters/filter-item';
import { phaseOf } from '@causeway/model/filters/filter-kind';
import { filterKindNamed } from '@causeway/model/filters/filter-kinds';
import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Entry } from '../store/resource-index.ts';

const known = new WeakMap<Entry, boolean>();

/** Whether a Gateway, Route or Middleware has filters that ask who calls, and so looks for Consumers of its namespace. */
export function authenticates(entry: Entry): boolean {
  let found = known.get(entry);
  if (found === undefined)
    known.set(entry, (found = entriesOf(entry.effective, 'filters').some(isAuthentication)));
  return found;
}

function isAuthentication(item: unknown): boolean {
  return filterKeys(item).some((key) => {
    const kind = filterKindNamed(key);
    const spec = fieldOf(item, key);
    return kind !== undefined && spec !== undefined && phaseOf(kind, spec) === 'authentication';
  });
}
