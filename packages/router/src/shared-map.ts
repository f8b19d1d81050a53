// An immutable map from strings whose versions share what they have in common: a changed key copies one small leaf.
//
// A hash trie with leaves that are native Maps, so that a look-up ends in V8's own hashing, and no key (`__proto__`)
// is special. Nodes made under an edit token may be changed in place by whoever holds that token.

/** Identity of one edit; what carries it may be changed until the edit is over and the token is forgotten. */
export interface EditToken {
  readonly edit: true;
}

/** A map, or undefined for the empty one. */
export interface SharedMap<V extends object> {
  readonly owner: EditToken;
  /** The only entry of a leaf that has neither `entries` nor `children`; most maps are that small. */
  readonly onlyKey: string;
  onlyValue: V | undefined;
  /** Set in any other leaf. */
  entries: Map<string, V> | undefined;
  /** Set in a branch: children by some bits of the hash. */
  children: (SharedMap<V> | undefined)[] | undefined;
}

/**
 * A leaf over this size becomes a branch. Copying one of this size costs some ten microseconds, once an update; each
 * further level costs every look-up a few misses of the processor's cache.
 */
const leafSizeMax = 256;
const bitsPerLevel = 6;
const fanOut = 1 << bitsPerLevel;
/** 30 bits of hash in all; keys equal in all of them share one leaf, however large. */
const levelsMax = 5;
/** A longer key is hashed by its beginning and its length, so that a hostile request cannot buy much work. */
const hashedLengthMax = 48;

export function sharedGet<V extends object>(map: SharedMap<V> | undefined, key: string): V | undefined {
  let node = map;
  if (node?.children !== undefined) {
    let hash = hashOf(key);
    do {
      node = node.children[hash & (fanOut - 1)];
      hash >>>= bitsPerLevel;
    } while (node?.children !== undefined);
  }
  if (node === undefined) return undefined;
  if (node.entries !== undefined) return node.entries.get(key);
  return node.onlyKey === key ? node.onlyValue : undefined;
}

export function sharedSet<V extends object>(
  map: SharedMap<V> | undefined,
  key: string,
  value: V,
  token: EditToken,
): SharedMap<V> {
  return setAt(map, key, value, token, 0);
}

/** Gives undefined when nothing is left. */
export function sharedDelete<V extends object>(
  map: SharedMap<V> | undefined,
  key: string,
  token: EditToken,
): SharedMap<V> | undefined {
  return map === undefined ? undefined : deleteAt(map, key, token, 0);
}

/** All values, in no order that anyone may rely on. */
export function* sharedValues<V extends object>(map: SharedMap<V> | undefined): Generator<V, void> {
  if (map === undefined) return;
  if (map.children !== undefined) {
    for (const child of map.children) yield* sharedValues(child);
  } else if (map.entries !== undefined) {
    yield* map.entries.values();
  } else if (map.onlyValue !== undefined) {
    yield map.onlyValue;
  }
}

function setAt<V extends object>(
  map: SharedMap<V> | undefined,
  key: string,
  value: V,
  token: EditToken,
  level: number,
): SharedMap<V> {
  if (map === undefined) {
    return { owner: token, onlyKey: key, onlyValue: value, entries: undefined, children: undefined };
  }
  const node = owned(map, token);
  if (node.children !== undefined) {
    const slot = slotOf(key, level);
    node.children[slot] = setAt(node.children[slot], key, value, token, level + 1);
  } else if (node.entries !== undefined) {
    node.entries.set(key, value);
    if (node.entries.size > leafSizeMax && level < levelsMax) split(node, node.entries, token, level);
  } else if (node.onlyKey === key) {
    node.onlyValue = value;
  } else {
    const entries = new Map<string, V>();
    if (node.onlyValue !== undefined) entries.set(node.onlyKey, node.onlyValue);
    node.entries = entries.set(key, value);
    node.onlyValue = undefined;
  }
  return node;
}

function split<V extends object>(
  node: SharedMap<V>,
  entries: Map<string, V>,
  token: EditToken,
  level: number,
): void {
  node.entries = undefined;
  const children = Array.from<SharedMap<V> | undefined>({ length: fanOut });
  node.children = children;
  for (const [key, value] of entries) {
    const slot = slotOf(key, level);
    children[slot] = setAt(children[slot], key, value, token, level + 1);
  }
}

function deleteAt<V extends object>(
  map: SharedMap<V>,
  key: string,
  token: EditToken,
  level: number,
): SharedMap<V> | undefined {
  const node = owned(map, token);
  if (node.children !== undefined) {
    const slot = slotOf(key, level);
    const child = node.children[slot];
    if (child !== undefined) node.children[slot] = deleteAt(child, key, token, level + 1);
    return node.children.every((other) => other === undefined) ? undefined : node;
  }
  if (node.entries === undefined) return node.onlyKey === key ? undefined : node;
  node.entries.delete(key);
  return node.entries.size === 0 ? undefined : node;
}

function owned<V extends object>(map: SharedMap<V>, token: EditToken): SharedMap<V> {
  if (map.owner === token) return map;
  const entries = map.entries === undefined ? undefined : new Map(map.entries);
  return {
    owner: token,
    onlyKey: map.onlyKey,
    onlyValue: map.onlyValue,
    entries,
    children: map.children?.slice(),
  };
}

function slotOf(key: string, level: number): number {
  return (hashOf(key) >>> (level * bitsPerLevel)) & (fanOut - 1);
}

/** FNV-1a with a final mix: the low bits choose the first child. */
function hashOf(key: string): number {
  const length = Math.min(key.length, hashedLengthMax);
  let hash = 0x811c9dc5 ^ key.length;
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  return hash >>> 0;
}
