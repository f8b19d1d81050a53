import { fieldOf } from '../kinds/kind.ts';
import { type FilterItem, filterName } from './filter-item.ts';
import { type FilterKind, phaseOf } from './filter-kind.ts';
import { filterKinds } from './filter-kinds.ts';
import { phaseRank } from './phases.ts';

/** A filter where it takes effect. */
export interface ExpandedFilter {
  name: string;
  /** It removes what has its name; `kind` and `spec` are those of nothing then. */
  isRemoval: boolean;
  kind: FilterKind | undefined;
  spec: unknown;
  rank: number;
  /** `enforce`, `shadow` or a percentage such as `25%`. */
  enforcement: string;
  /** Key of the object that it is written in. */
  from: string;
  /** Position in the list that was expanded: of the filter, or of the Middleware that brings it. */
  index: number;
}

/** What a Middleware of that name holds, and its key; undefined when there is none. */
export type MiddlewareLookup = (name: string) => { key: string; filters: readonly FilterItem[] } | undefined;

/**
 * A list of filters with its Middlewares expanded in place. Merging is left to the caller, since it goes over several lists; a
 * Middleware that is not there brings nothing.
 */
export function expandFilters(
  items: readonly FilterItem[],
  from: string,
  middlewares: MiddlewareLookup,
): ExpandedFilter[] {
  return items.flatMap((item, index) => {
    if (item.middleware === undefined) return [expanded(item, from, index)];
    const middleware = middlewares(item.middleware);
    return (middleware?.filters ?? []).map((inner) => expanded(inner, middleware!.key, index));
  });
}

function expanded(item: FilterItem, from: string, index: number): ExpandedFilter {
  const kind = filterKinds.find(({ key }) => fieldOf(item, key) !== undefined);
  return {
    name: filterName(item),
    isRemoval: item.disabled,
    kind,
    spec: kind && fieldOf(item, kind.key),
    rank: kind ? phaseRank(phaseOf(kind, fieldOf(item, kind.key))) : 0,
    enforcement: item.enforcement,
    from,
    index,
  };
}
