// What matching answers.

import type { EncodedCharacter } from './canonical-path.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { TreePattern } from './path-pattern.ts';
import type { Rule } from './rule.ts';

export type RouteOutcome<T> =
  | RouteMatch<T>
  /** Some rule takes the request but for its method. `allow` is sorted and holds each method once. */
  | { readonly kind: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly kind: 'no_route' }
  /** The rule that takes the request does not allow characters that its path holds. */
  | { readonly kind: 'bad_request'; readonly rule: Rule<T>; readonly refused: readonly EncodedCharacter[] };

/** The chosen rule. Parameters are cut out of the path when someone asks. */
export class RouteMatch<T> {
  readonly kind = 'match';
  readonly rule: Rule<T>;
  readonly #compiled: CompiledRule<T>;
  readonly #path: string;
  #params: ReadonlyMap<string, string> | undefined;

  constructor(compiled: CompiledRule<T>, path: string) {
    this.rule = compiled.rule;
    this.#compiled = compiled;
    this.#path = path;
  }

  /**
   * What the template's parameters or the pattern's named groups took, as canonical bytes (escapes not decoded, so a
   * value put back into a path stays one segment). A group that took no part is absent.
   */
  get params(): ReadonlyMap<string, string> {
    this.#params ??= captureParams(this.#compiled, this.#path);
    return this.#params;
  }

  /**
   * How much of the path the match took: a prefix itself, a template what stands before its `{name...}`, everything else all of
   * it. What is left is empty or begins with a slash.
   */
  get takenLength(): number {
    const { pattern } = this.#compiled;
    if (pattern.kind !== 'tree' || pattern.end === 'here') return this.#path.length;
    let slash = 0;
    for (let count = 0; count < pattern.segments.length; count += 1) {
      const next = this.#path.indexOf('/', slash + 1);
      slash = next === -1 ? this.#path.length : next;
    }
    return slash;
  }
}

function captureParams(compiled: CompiledRule<unknown>, path: string): ReadonlyMap<string, string> {
  const { pattern } = compiled;
  if (pattern.kind === 'tree') return captureSegments(pattern, path);
  const params = new Map<string, string>();
  if (pattern.kind === 'exact') return params;
  const matcher = pattern.regex.matcher(path);
  if (!matcher.matches()) return params;
  for (const name of Object.keys(pattern.regex.namedGroups())) {
    const value = matcher.group(name);
    if (value !== null) params.set(name, value);
  }
  return params;
}

function captureSegments(pattern: TreePattern, path: string): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  let slash = 0;
  for (const segment of pattern.segments) {
    const next = path.indexOf('/', slash + 1);
    const end = next === -1 ? path.length : next;
    if (segment.kind === 'param') params.set(segment.name, path.slice(slash + 1, end));
    slash = end;
  }
  if (pattern.restName !== undefined) params.set(pattern.restName, path.slice(slash + 1));
  return params;
}
