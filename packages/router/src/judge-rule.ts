// One rule against one request, without the index.

import type { PathPattern } from './path-pattern.ts';
import { hostLengthMax } from './request-view.ts';

/** How specific the best of `hosts` that takes `host` is: greater is better, 0 for every host, -1 for none. */
export function hostRank(hosts: readonly string[], host: string): number {
  if (hosts.length === 0) return 0;
  let best = -1;
  if (host.length > hostLengthMax) return best;
  for (const name of hosts) {
    if (name === host) return Infinity;
    // ".example.com" must leave a label to the left of it.
    if (name.startsWith('*.') && host.length >= name.length && host.endsWith(name.slice(1))) {
      best = Math.max(best, name.length);
    }
  }
  return best;
}

export function takesPath(pattern: PathPattern, path: string): boolean {
  if (pattern.kind === 'exact') return path === pattern.path;
  if (pattern.kind === 'regex') return pattern.regex.testExact(path);
  const segments = path.slice(1).split('/');
  const { length } = pattern.segments;
  if (pattern.end === 'here' ? segments.length !== length : segments.length < length) return false;
  if (pattern.end === 'rest' && segments.length === length) return false;
  return pattern.segments.every((segment, index) => {
    const text = segments[index];
    return segment.kind === 'literal' ? text === segment.text : text !== '';
  });
}

/** A rough closeness for hints: characters that both texts begin and end with, less the length of the longer one. */
export function nearnessOf(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let begin = 0;
  while (begin < shorter && a[begin] === b[begin]) begin++;
  let end = 0;
  while (end < shorter - begin && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return begin + end - Math.max(a.length, b.length);
}
