import { entriesOf, fieldOf } from '../kinds/kind.ts';
import type { Problem } from '../problem.ts';
import { filterKeys, filterName } from './filter-item.ts';
import type { FilterKind } from './filter-kind.ts';
import { filterKinds } from './filter-kinds.ts';

/**
 * What the entries of one list must be together, as far as the list itself tells. What its Middlewares and the Gateway add to it,
 * only the control plane knows. Tolerant: of a spec that is not valid they judge what can be read.
 */

/** What is wrong with the entries of a list, beyond what each field is. */
export function filterProblems(spec: unknown): Problem[] {
  return [...misshapenFilters(spec), ...repeatedFilters(spec)];
}

/** An entry is a filter, a Middleware or a removal; their fields do not mix. An unknown key counts as a filter, and is told about by itself. */
function misshapenFilters(spec: unknown): Problem[] {
  return entriesOf(spec, 'filters').flatMap((item, index): Problem[] => {
    const complaint = typeof item === 'object' && item !== null ? shapeComplaint(item) : undefined;
    return complaint === undefined ? [] : [{ pointer: `/spec/filters/${index}`, ...complaint }];
  });
}

function shapeComplaint(item: object): Omit<Problem, 'pointer'> | undefined {
  const keys = filterKeys(item);
  const isDisabled = fieldOf(item, 'disabled') === true;
  const isNamed = fieldOf(item, 'name') !== undefined;
  const unenforced = enforcementComplaint(item, keys);
  if (unenforced !== undefined) return unenforced;
  if (fieldOf(item, 'middleware') !== undefined) {
    const others = [...keys, ...(isNamed ? ['name'] : []), ...(isDisabled ? ['disabled'] : [])];
    if (others.length === 0) return undefined;
    return exclusive(`middleware stands alone, not with ${others.join(' and ')}`);
  }
  if (isDisabled && keys.length > 0) return exclusive(`a disabled filter has no ${keys.join(' and ')}`);
  if (isDisabled)
    return isNamed ? undefined : { code: 'missing', detail: 'disabled needs the name of what it removes' };
  if (keys.length > 1) return exclusive(`an entry is one filter, not ${keys.join(' and ')}`);
  const wanted = [...filterKinds.map(({ key }) => key), 'middleware'].join(', ');
  return keys.length === 1 ? undefined : { code: 'missing', detail: `needs exactly one of ${wanted}` };
}

function enforcementComplaint(item: object, keys: readonly string[]): Omit<Problem, 'pointer'> | undefined {
  // The default says nothing, also where it is written.
  if ((fieldOf(item, 'enforcement') ?? 'enforce') === 'enforce') return undefined;
  const kind = kindOf(item);
  // Of a filter that is not known nobody can tell.
  if (kind?.mayBeShadowed === true || (kind === undefined && keys.length > 0)) return undefined;
  const able = filterKinds.filter(({ mayBeShadowed }) => mayBeShadowed === true).map(({ key }) => key);
  return {
    code: 'not_allowed_here',
    detail: `${kind?.key ?? 'this entry'} refuses nothing, so it takes no enforcement`,
    hint: `filters that take it: ${able.join(', ')}`,
  };
}

function exclusive(detail: string): Omit<Problem, 'pointer'> {
  return { code: 'exclusive', detail, hint: 'write an entry for each' };
}

/** A filter that may stand once stands again under another name. */
function repeatedFilters(spec: unknown): Problem[] {
  const seen = new Map<string, string>();
  return entriesOf(spec, 'filters').flatMap((item, index): Problem[] => {
    const kind = kindOf(item);
    if (kind === undefined || kind.mayRepeat) return [];
    const first = seen.get(kind.key);
    if (first === undefined) seen.set(kind.key, filterName(item));
    // One name twice is a problem of the list already.
    if (first === undefined || first === filterName(item)) return [];
    return [{ pointer: `/spec/filters/${index}`, ...repeated(kind.key, first) }];
  });
}

/** The problem of a second filter of a kind, `first` being the name of the one before. */
export function repeated(key: string, first: string): Pick<Problem, 'code' | 'detail' | 'hint'> {
  return {
    code: 'duplicate',
    detail: `${key} may stand once, and filter ${JSON.stringify(first)} is one`,
    hint: `keep one of them, or name this one ${JSON.stringify(first)} too: then it replaces the one before`,
  };
}

/** A Route needs Services exactly when none of its filters answers every request. Middlewares may bring such a filter. */
export function missingOrIdleBackends(spec: unknown): Problem[] {
  const items = entriesOf(spec, 'filters');
  const answering = items.find((item) => kindOf(item)?.answerStatus !== undefined);
  const hasBackends = Array.isArray(fieldOf(spec, 'backends'))
    ? entriesOf(spec, 'backends').length > 0
    : fieldOf(spec, 'backends') !== undefined;
  if (answering !== undefined) return hasBackends ? [idleBackends(filterName(answering))] : [];
  const mayBeBrought = items.some((item) => fieldOf(item, 'middleware') !== undefined);
  return hasBackends || mayBeBrought ? [] : [missingBackends];
}

export const missingBackends: Problem = {
  code: 'missing',
  pointer: '/spec/backends',
  detail: 'required: a list of Services',
  hint: `or a filter that answers every request: ${answeringKeys().join(', ')}`,
};

/** The problem of backends behind the filter of that name. */
export function idleBackends(name: string): Problem {
  return {
    code: 'exclusive',
    pointer: '/spec/backends',
    detail: `filter ${JSON.stringify(name)} answers every request, so no backend is ever asked`,
    hint: 'remove the backends, or the filter',
  };
}

function answeringKeys(): string[] {
  return filterKinds.filter(({ answerStatus }) => answerStatus !== undefined).map(({ key }) => key);
}

function kindOf(item: unknown): FilterKind | undefined {
  return filterKinds.find(({ key }) => fieldOf(item, key) !== undefined);
}
