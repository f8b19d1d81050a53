// An immutable map from strings whose versions share what they have in common: a changed key copies one small leaf.
//
// A hash trie with leaves that are native Maps, so that a look-up ends in V8's own hashing, and no key (`__proto__`)
// is special. Nodes made under an edit token may be changed in place by whoever holds that token.

/** Identity of one edit; what carries it may be changed until the edit is over and the token is forgotten. */
export interface EditToken {
  readonly edit: true;
}

/** A map, or undefined for the empty one. */
export interface SharedMap<V> {
  readonly owner: EditToken;
  /** Set in a leaf. */
  entries: Map<string, V> | undefined;
  /** Set in a branch: children by five bits of the hash. */
  children: (SharedMap<V> | undefined)[] | undefined;
}

/** A leaf over this size becomes a branch; below it a copy costs a microsecond or two. */
const leafSizeMax = 32;
const bitsPerLevel = 5;
const fanOut = 1 << bitsPerLevel;
/** 30 bits of hash; keys equal in all of them share one leaf, however large. */
const levelsMax = 6;
/** A longer key is hashed by its beginning and its length, so that a hostile request cannot buy much work. */
const hashedLengthMax = 48;

export function sharedGet<V>(map: SharedMap<V> | undefined, key: string): V | undefined {
  let node = map;
  if (node?.children !== undefined) {
    let hash = hashOf(key);
    do {
      node = node.children[hash & (fanOut - 1)];
      hash >>>= bitsPerLevel;
    } while (node?.children !== undefined);
  }
  return node?.entries?.get(key);
}

export function sharedSet<V>(
  map: SharedMap<V> | undefined,
  key: string,
  value: V,
  token: EditToken,
): SharedMap<V> {
  return setAt(map, key, value, token, 0);
}

/** Gives undefined when nothing is left. */
export function sharedDelete<V>(
  map: SharedMap<V> | undefined,
  key: string,
  token: EditToken,
): SharedMap<V> | undefined {
  return map === undefined ? undefined : deleteAt(map, key, token, 0);
}

/** All values, in no order that anyone may rely on. */
export function* sharedValues<V>(map: SharedMap<V> | undefined): Generator<V, void> {
  if (map?.entries !== undefined) yield* map.entries.values();
  for (const child of map?.children ?? []) yield* sharedValues(child);
}

function setAt<V>(
  map: SharedMap<V> | undefined,
  key: string,
  value: V,
  token: EditToken,
  level: number,
): SharedMap<V> {
  const node = owned(map, token);
  if (node.children !== undefined) {
    const slot = slotOf(key, level);
    node.children[slot] = setAt(node.children[slot], key, value, token, level + 1);
    return node;
  }
  const entries = (node.entries ??= new Map());
  entries.set(key, value);
  if (entries.size > leafSizeMax && level < levelsMax) split(node, entries, token, level);
  return node;
}

function split<V>(node: SharedMap<V>, entries: Map<string, V>, token: EditToken, level: number): void {
  node.entries = undefined;
  const children = Array.from<SharedMap<V> | undefined>({ length: fanOut });
  node.children = children;
  for (const [key, value] of entries) {
    const slot = slotOf(key, level);
    children[slot] = setAt(children[slot], key, value, token, level + 1);
  }
}

function deleteAt<V>(
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
  node.entries?.delete(key);
  return node.entries === undefined || node.entries.size === 0 ? undefined : node;
}

function owned<V>(map: SharedMap<V> | undefined, token: EditToken): SharedMap<V> {
  if (map === undefined) return { owner: token, entries: new Map(), children: undefined };
  if (map.owner === token) return map;
  const entries = map.entries === undefined ? undefined : new Map(map.entries);
  return { owner: token, entries, children: map.children?.slice() };
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
