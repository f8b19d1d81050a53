/** The order in which members are judged: those that tell alternatives apart come before those that cost most. */

import type { Steps } from '@causeway/runtime/work-slices';
import { at, isObject, type Located, slicedLevels } from './located.ts';
import { setMember } from './read-value.ts';
import { referred } from './references.ts';

const hopsMax = 8;
/** A copy of a document with the schemas of `properties` in that order; else configurations hold them by name. */
export function* tellingFirst(root: object): Steps<object> {
  const arranged = (key: string, inner: unknown): unknown =>
    key === 'properties' && isObject(inner) ? ordered(root, inner) : inner;
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (!isObject(value)) return value;
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) setMember(made, key, copy(arranged(key, inner)));
    return made;
  };
  function* sliced(value: unknown, left: number): Steps<unknown> {
    if (left === 0 || !isObject(value)) {
      yield;
      return copy(value);
    }
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value))
      setMember(made, key, yield* sliced(arranged(key, inner), left - 1));
    return made;
  }
  return (yield* sliced(root, slicedLevels)) as object;
}

function ordered(root: object, properties: Record<string, unknown>): Record<string, unknown> {
  const ranks = Object.keys(properties).map((name): [string, number] => [
    name,
    rank(root, at({ value: properties, pointer: '' }, name)),
  ]);
  const made: Record<string, unknown> = {};
  for (const [name] of ranks.toSorted(([, a], [, b]) => a - b)) setMember(made, name, properties[name]);
  return made;
}

/** 0: one of few values; 1: nothing that holds other values; 2: the rest. */
function rank(root: object, schema: Located): number {
  let here = schema;
  for (let hops = 0; hops < hopsMax; hops += 1) {
    const { value } = here;
    if (!isObject(value)) return 1;
    if ('const' in value || 'enum' in value) return 0;
    if (typeof value['type'] === 'string' && !['object', 'array'].includes(value['type'])) return 1;
    const next = targetOf(root, here);
    if (next === undefined) return 2;
    here = next;
  }
  return 2;
}

/** What cannot be followed is told by who compiles it. */
function targetOf(root: object, schema: Located): Located | undefined {
  try {
    return referred(root, schema);
  } catch {
    return undefined;
  }
}
