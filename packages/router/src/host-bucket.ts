// All rules of one host: a map of exact paths, a tree of segments, a list of patterns. Immutable but for its editor.

import { type CompiledRule, compareRules, RuleError } from './compiled-rule.ts';
import type { Segment, TreePattern } from './path-pattern.ts';
import type { EditToken, SharedMap } from './shared-map.ts';
import { sharedDelete, sharedGet, sharedSet } from './shared-map.ts';

/** Rules that take the same paths equally well, best first. */
export interface RuleList<T> {
  readonly owner: EditToken;
  readonly rules: CompiledRule<T>[];
}

/** A place in the tree, one segment deeper than its parent. */
export interface PathNode<T> {
  readonly owner: EditToken;
  literals: SharedMap<PathNode<T>> | undefined;
  param: PathNode<T> | undefined;
  /** Templates that end exactly here. */
  here: RuleList<T> | undefined;
  /** Prefixes, and templates whose `{name...}` begins here. */
  onward: RuleList<T> | undefined;
}

export interface HostBucket<T> {
  readonly owner: EditToken;
  exact: SharedMap<RuleList<T>> | undefined;
  root: PathNode<T> | undefined;
  regex: RuleList<T> | undefined;
}

/** Adds a rule; the bucket given is not changed unless this edit made it. */
export function addToBucket<T>(
  bucket: HostBucket<T> | undefined,
  rule: CompiledRule<T>,
  token: EditToken,
): HostBucket<T> {
  const own = ownedBucket(bucket, token);
  const { pattern } = rule;
  if (pattern.kind === 'exact') {
    own.exact = sharedSet(
      own.exact,
      pattern.path,
      withRule(sharedGet(own.exact, pattern.path), rule, token),
      token,
    );
  } else if (pattern.kind === 'tree') {
    own.root = addToNode(own.root, rule, pattern, 0, token);
  } else {
    own.regex = withRule(own.regex, rule, token);
  }
  return own;
}

/** Takes a rule out that `addToBucket` put in; gives undefined when the bucket is empty. */
export function removeFromBucket<T>(
  bucket: HostBucket<T>,
  rule: CompiledRule<T>,
  token: EditToken,
): HostBucket<T> | undefined {
  const own = ownedBucket(bucket, token);
  const { pattern } = rule;
  if (pattern.kind === 'exact') {
    const list = withoutRule(sharedGet(own.exact, pattern.path), rule, token);
    own.exact =
      list === undefined
        ? sharedDelete(own.exact, pattern.path, token)
        : sharedSet(own.exact, pattern.path, list, token);
  } else if (pattern.kind === 'tree') {
    own.root = removeFromNode(own.root, rule, pattern, 0, token);
  } else {
    own.regex = withoutRule(own.regex, rule, token);
  }
  return own.exact === undefined && own.root === undefined && own.regex === undefined ? undefined : own;
}

function addToNode<T>(
  node: PathNode<T> | undefined,
  rule: CompiledRule<T>,
  pattern: TreePattern,
  depth: number,
  token: EditToken,
): PathNode<T> {
  const own = ownedNode(node, token);
  const segment = pattern.segments[depth];
  if (segment !== undefined) {
    setChild(own, segment, addToNode(childOf(own, segment), rule, pattern, depth + 1, token), token);
  } else if (pattern.end === 'here') {
    own.here = withRule(own.here, rule, token);
  } else {
    own.onward = withRule(own.onward, rule, token);
  }
  return own;
}

function removeFromNode<T>(
  node: PathNode<T> | undefined,
  rule: CompiledRule<T>,
  pattern: TreePattern,
  depth: number,
  token: EditToken,
): PathNode<T> | undefined {
  if (node === undefined) return undefined;
  const own = ownedNode(node, token);
  const segment = pattern.segments[depth];
  if (segment !== undefined) {
    setChild(own, segment, removeFromNode(childOf(own, segment), rule, pattern, depth + 1, token), token);
  } else if (pattern.end === 'here') {
    own.here = withoutRule(own.here, rule, token);
  } else {
    own.onward = withoutRule(own.onward, rule, token);
  }
  const isEmpty =
    own.literals === undefined &&
    own.param === undefined &&
    own.here === undefined &&
    own.onward === undefined;
  return isEmpty ? undefined : own;
}

function childOf<T>(node: PathNode<T>, segment: Segment): PathNode<T> | undefined {
  return segment.kind === 'literal' ? sharedGet(node.literals, segment.text) : node.param;
}

function setChild<T>(
  node: PathNode<T>,
  segment: Segment,
  child: PathNode<T> | undefined,
  token: EditToken,
): void {
  if (segment.kind === 'param') {
    node.param = child;
  } else {
    node.literals =
      child === undefined
        ? sharedDelete(node.literals, segment.text, token)
        : sharedSet(node.literals, segment.text, child, token);
  }
}

function withRule<T>(list: RuleList<T> | undefined, rule: CompiledRule<T>, token: EditToken): RuleList<T> {
  const own = list?.owner === token ? list : { owner: token, rules: list?.rules.slice() ?? [] };
  const at = positionOf(own.rules, rule);
  const there = own.rules[at];
  if (there !== undefined && compareRules(there, rule) === 0)
    throw new RuleError(rule.rule, 'was added twice');
  own.rules.splice(at, 0, rule);
  return own;
}

function withoutRule<T>(
  list: RuleList<T> | undefined,
  rule: CompiledRule<T>,
  token: EditToken,
): RuleList<T> | undefined {
  if (list === undefined) return undefined;
  const own = list.owner === token ? list : { owner: token, rules: list.rules.slice() };
  const at = positionOf(own.rules, rule);
  if (own.rules[at] === rule) own.rules.splice(at, 1);
  return own.rules.length === 0 ? undefined : own;
}

/** The first position whose rule does not come before `rule`. */
function positionOf<T>(rules: readonly CompiledRule<T>[], rule: CompiledRule<T>): number {
  let low = 0;
  let high = rules.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = rules[middle];
    if (other !== undefined && compareRules(other, rule) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function ownedBucket<T>(bucket: HostBucket<T> | undefined, token: EditToken): HostBucket<T> {
  if (bucket?.owner === token) return bucket;
  return { owner: token, exact: bucket?.exact, root: bucket?.root, regex: bucket?.regex };
}

function ownedNode<T>(node: PathNode<T> | undefined, token: EditToken): PathNode<T> {
  if (node?.owner === token) return node;
  return {
    owner: token,
    literals: node?.literals,
    param: node?.param,
    here: node?.here,
    onward: node?.onward,
  };
}
