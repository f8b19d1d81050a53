// Which requests a rule takes, as text, so that two rules for the very same requests can be found by grouping.

import type { PathMatch } from './path-pattern.ts';
import { joinSegments, parsePathMatch } from './path-pattern.ts';
import type { Rule, ValuePredicate } from './rule.ts';

/**
 * Rules of equal signature for a host take exactly the same requests, so only the first in precedence is ever chosen.
 * `host` is one of the rule's hosts, or undefined for every host. Names of parameters, order and repetition do not
 * count, nor does a template without parameters differ from an exact path. Patterns that are spelled differently but
 * mean the same are not recognised: equal signatures prove equality, different ones prove nothing.
 */
export function matchSignature(rule: Rule<unknown>, host: string | undefined): string {
  return JSON.stringify([
    host ?? null,
    pathSignature(rule.path),
    [...new Set(rule.methods)].toSorted(),
    predicateSignature(rule.headers, true),
    predicateSignature(rule.cookies, false),
    predicateSignature(rule.query, false),
  ]);
}

function pathSignature(path: PathMatch): readonly string[] {
  const pattern = parsePathMatch(path);
  // A path that does not parse takes nothing; its own text keeps it apart from those that do.
  if (!pattern.ok) return ['unparsed', JSON.stringify(path)];
  if (pattern.value.kind === 'exact') return ['here', pattern.value.path];
  if (pattern.value.kind === 'regex') return ['regex', pattern.value.regex.pattern()];
  const { segments, end } = pattern.value;
  // Every path has the root's slash, so "/{rest...}" is the prefix "/".
  return [end === 'rest' && segments.length === 0 ? 'prefix' : end, joinSegments(segments)];
}

function predicateSignature(predicates: readonly ValuePredicate[], isHeader: boolean): string[] {
  const texts = predicates.map(({ name, ...test }) =>
    JSON.stringify([isHeader ? name.toLowerCase() : name, test]),
  );
  return [...new Set(texts)].toSorted();
}
