import { faultInjectionFilter } from './fault-injection.ts';
import type { FilterKind } from './filter-kind.ts';
import { mirrorFilter } from './mirror.ts';
import { phases } from './phases.ts';
import { respondFilter } from './respond.ts';

/** Every filter that this version has. */
export const filterKinds: readonly FilterKind[] = [respondFilter, faultInjectionFilter, mirrorFilter];

const byKey = new Map(filterKinds.map((kind) => [kind.key, kind]));

/** The filter of that key. */
export function filterKindNamed(key: string): FilterKind | undefined {
  return byKey.get(key);
}

/** Fields of filter lists that are promised but not built: the other filters, and what only they take. */
export const plannedFilterFields: readonly string[] = [
  ...new Set<string>(phases.flatMap(({ filters }): readonly string[] => filters)),
  'enforcement',
].filter((key) => !byKey.has(key));
