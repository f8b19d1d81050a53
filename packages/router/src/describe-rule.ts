// The words for parts of a rule, as gwctl prints them.

import type { Check } from './compiled-rule.ts';
import type { PathMatch } from './path-pattern.ts';

/** More hosts than this are counted, not listed. */
const hostsListedMax = 3;

export function describePath(path: PathMatch): string {
  if ('exact' in path) return `exact ${path.exact}`;
  if ('prefix' in path) return `prefix ${path.prefix}`;
  return 'template' in path ? `template ${path.template}` : `regex ${path.regex}`;
}

export function describeHosts(hosts: readonly string[]): string {
  if (hosts.length === 0) return 'every host';
  const listed = hosts.slice(0, hostsListedMax).join(', ');
  return hosts.length > hostsListedMax ? `${listed} and ${hosts.length - hostsListedMax} more` : listed;
}

/** Why a check did not hold. The value sent is not repeated: it may be a credential. */
export function describeFailure(check: Check, wasPresent: boolean): string {
  const what = `${check.source === 'query' ? 'query parameter' : check.source} ${check.name}`;
  if (check.present === false) return `${what} is ${wasPresent ? 'present' : 'announced by the preflight'}`;
  if (!wasPresent) return `${what} is absent`;
  if (check.exact !== undefined) return `${what} is not ${check.exact}`;
  if (check.prefix !== undefined) return `${what} does not begin with ${check.prefix}`;
  return `${what} does not match ${check.regex?.pattern() ?? ''}`;
}
