/** Single changes of a JSON document, like those of JSON Patch (RFC 6902) but for what is not there: that changes nothing. */

import { isKeptNumber } from './exact-json.ts';

export interface JsonOp {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy';
  /** Keys from the root. */
  readonly path: readonly string[];
  /** Of move and copy. */
  readonly from: readonly string[];
}

/** A place in a document. */
interface Place {
  readonly holder: object;
  readonly key: string;
}

/** Depth of what is copied is bounded by that of the document; copies of copies are not, so the whole may have so many values. */
const copiedValuesMax = 100_000;

/** The document with the change, which is made in place; `value` is that of add and replace. */
export function applyJsonOp(root: unknown, { op, path, from }: JsonOp, value: unknown): unknown {
  switch (op) {
    case 'remove':
      remove(placeOf(root, path));
      return root;
    case 'add':
      return put(root, path, value, false);
    case 'replace':
      return put(root, path, value, true);
    case 'copy': {
      const taken = valueAt(root, from);
      return taken === undefined ? root : put(root, path, copyOf(taken), false);
    }
    case 'move': {
      const taken = valueAt(root, from);
      // What can go nowhere stays where it is.
      if (taken === undefined || !canTake(root, path, from)) return root;
      remove(placeOf(root, from));
      return put(root, path, taken, false);
    }
  }
}

/** As many values as JSON.stringify would write; throws RangeError beyond the bound. */
function copyOf(value: unknown): unknown {
  let count = 0;
  const copy = (each: unknown): unknown => {
    count += 1;
    if (count > copiedValuesMax) throw new RangeError('a copy of too many values');
    if (Array.isArray(each)) return each.map(copy);
    if (typeof each !== 'object' || each === null || isKeptNumber(each)) return each;
    const made = {};
    for (const [key, inner] of Object.entries(each)) set(made, key, copy(inner));
    return made;
  };
  return copy(value);
}

function put(root: unknown, path: readonly string[], value: unknown, isReplacement: boolean): unknown {
  if (path.length === 0) return value;
  const place = placeOf(root, path);
  if (place === undefined) return root;
  const { holder, key } = place;
  if (!Array.isArray(holder)) {
    if (!isReplacement || Object.hasOwn(holder, key)) set(holder, key, value);
    return root;
  }
  const index = indexOf(holder, key, !isReplacement);
  if (index !== undefined) holder.splice(index, isReplacement ? 1 : 0, value);
  return root;
}

/** Whether what `from` names could be put at `path` once it is taken out. */
function canTake(root: unknown, path: readonly string[], from: readonly string[]): boolean {
  if (path.length === 0) return true;
  const place = placeOf(root, path);
  if (place === undefined) return false;
  const { holder, key } = place;
  if (!Array.isArray(holder)) return true;
  const index = indexOf(holder, key, true);
  if (index === undefined) return false;
  // Within one list there is one entry less by then.
  const isSameHolder = placeOf(root, from)?.holder === holder;
  return !isSameHolder || key === '-' || index < holder.length;
}

function remove(place: Place | undefined): void {
  if (place === undefined) return;
  const { holder, key } = place;
  if (!Array.isArray(holder)) {
    if (Object.hasOwn(holder, key)) delete (holder as Record<string, unknown>)[key];
    return;
  }
  const index = indexOf(holder, key, false);
  if (index !== undefined) holder.splice(index, 1);
}

function placeOf(root: unknown, path: readonly string[]): Place | undefined {
  const key = path.at(-1);
  const holder = valueAt(root, path.slice(0, -1));
  if (key === undefined || typeof holder !== 'object' || holder === null || isKeptNumber(holder))
    return undefined;
  return { holder, key };
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || isKeptNumber(value)) return undefined;
    if (Array.isArray(value)) {
      const index = indexOf(value, key, false);
      value = index === undefined ? undefined : (value[index] as unknown);
    } else value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

/** RFC 6901 section 4. `isInsertion`: the place behind the last, `-`, is one too. */
function indexOf(list: readonly unknown[], key: string, isInsertion: boolean): number | undefined {
  if (key === '-') return isInsertion ? list.length : undefined;
  if (!/^(0|[1-9]\d{0,8})$/.test(key)) return undefined;
  const index = Number(key);
  return index < list.length + (isInsertion ? 1 : 0) ? index : undefined;
}

/** `__proto__` is a key like any other. */
function set(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}
