// A Rule made ready: its path parsed, its predicates compiled, and the part of the precedence that no request changes.

import type { RE2JS } from 're2js';
import type { PathPattern } from './path-pattern.ts';
import { parsePathMatch } from './path-pattern.ts';
import { parseRegex } from './regex.ts';
import type { Rule, ValuePredicate } from './rule.ts';

/** One predicate. A header's name is in lower case. */
export interface Check {
  readonly source: 'header' | 'cookie' | 'query';
  readonly name: string;
  readonly exact: string | undefined;
  readonly prefix: string | undefined;
  readonly regex: RE2JS | undefined;
  readonly present: boolean | undefined;
}

export interface CompiledRule<T> {
  readonly rule: Rule<T>;
  readonly pattern: PathPattern;
  /** Set for a regex path. */
  readonly pathRegex: RE2JS | undefined;
  /** A `{name...}` takes nothing without the slash before it. */
  readonly needsSlash: boolean;
  /** Empty takes every method. */
  readonly methods: readonly string[];
  /** Headers, then cookies, then query. */
  readonly checks: readonly Check[];
  readonly headerChecks: number;
  readonly queryChecks: number;
}

/** A Rule that cannot be built, which validation should have refused. The message names the Route and the match. */
export class RuleError extends Error {
  readonly key: string;
  readonly index: number;
  readonly detail: string;

  constructor(rule: Pick<Rule<unknown>, 'key' | 'index'>, detail: string) {
    super(`route ${rule.key}, match ${rule.index}: ${detail}`);
    this.name = 'RuleError';
    this.key = rule.key;
    this.index = rule.index;
    this.detail = detail;
  }
}

/** Throws RuleError for a path or pattern that does not parse. */
export function compileRule<T>(rule: Rule<T>): CompiledRule<T> {
  const pattern = parsePathMatch(rule.path);
  if (!pattern.ok) throw new RuleError(rule, pattern.detail);
  const compile = (source: Check['source']) => (predicate: ValuePredicate) =>
    compileCheck(rule, source, predicate);
  return {
    rule,
    pattern: pattern.value,
    pathRegex: pattern.value.kind === 'regex' ? pattern.value.regex : undefined,
    needsSlash: pattern.value.kind === 'tree' && pattern.value.end === 'rest',
    methods: rule.methods,
    checks: [
      ...rule.headers.map(compile('header')),
      ...rule.cookies.map(compile('cookie')),
      ...rule.query.map(compile('query')),
    ],
    headerChecks: rule.headers.length + rule.cookies.length,
    queryChecks: rule.query.length,
  };
}

/**
 * The precedence of rules whose host and path take a request equally well (design: method listed, header and cookie
 * matches, query matches, priority, name, index). Negative when `a` wins; 0 only for the same match of the same Route.
 */
export function compareRules(a: CompiledRule<unknown>, b: CompiledRule<unknown>): number {
  return (
    Number(b.methods.length > 0) - Number(a.methods.length > 0) ||
    b.headerChecks - a.headerChecks ||
    b.queryChecks - a.queryChecks ||
    b.rule.priority - a.rule.priority ||
    compareText(a.rule.key, b.rule.key) ||
    a.rule.index - b.rule.index
  );
}

/** Order by code unit, which for keys (DNS labels and a slash) is the order of their bytes. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compileCheck(rule: Rule<unknown>, source: Check['source'], predicate: ValuePredicate): Check {
  const name = source === 'header' ? predicate.name.toLowerCase() : predicate.name;
  const none = { source, name, exact: undefined, prefix: undefined, regex: undefined, present: undefined };
  if ('exact' in predicate) return { ...none, exact: predicate.exact };
  if ('prefix' in predicate) return { ...none, prefix: predicate.prefix };
  if ('present' in predicate) return { ...none, present: predicate.present };
  const regex = parseRegex(predicate.regex);
  if (!regex.ok) throw new RuleError(rule, `${source} ${predicate.name}: ${regex.detail}`);
  return { ...none, regex: regex.value };
}
