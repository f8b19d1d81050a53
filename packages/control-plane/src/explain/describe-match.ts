import { describePath } from '@causeway/router/describe-rule';
import type { Rule, ValuePredicate } from '@causeway/router/rule';

/** A match in words: `prefix /orders, methods GET,POST, header x-canary=always`. */
export function describeMatch(rule: Rule<unknown>): string {
  const methods =
    rule.methods.length > 0
      ? [`${rule.methods.length > 1 ? 'methods' : 'method'} ${rule.methods.join(',')}`]
      : [];
  return [
    describePath(rule.path),
    ...methods,
    ...rule.headers.map((predicate) => describePredicate('header', predicate)),
    ...rule.cookies.map((predicate) => describePredicate('cookie', predicate)),
    ...rule.query.map((predicate) => describePredicate('query', predicate)),
  ].join(', ');
}

function describePredicate(source: string, predicate: ValuePredicate): string {
  const { name } = predicate;
  if ('exact' in predicate) return `${source} ${name}=${predicate.exact}`;
  if ('prefix' in predicate) return `${source} ${name}=${predicate.prefix}...`;
  if ('regex' in predicate) return `${source} ${name}~${predicate.regex}`;
  return predicate.present ? `${source} ${name}` : `no ${source} ${name}`;
}
