// Matching as the design words it: keep the rules that take the request, sort them, take the first. Slow and obvious;
// shares no code with the router, so that neither can hide the other's mistake.

import type { RouteRequest } from '../request-view.ts';
import type { Rule, ValuePredicate } from '../rule.ts';

export type ReferenceOutcome =
  | { match: Rule<string> }
  | { allow: string[] }
  | { bad: Rule<string> }
  | 'no_route';

/** A rule that takes the host and path, and what the order asks about. */
interface Taker {
  readonly rule: Rule<string>;
  readonly order: readonly (number | string)[];
}

/** Routes of this key have the gateway answer preflights. */
export function answersPreflight(key: string): boolean {
  return key === 'default/r1' || key === 'default/r3';
}

export function referenceMatch(rules: readonly Rule<string>[], request: RouteRequest): ReferenceOutcome {
  const sent = referenceRequest(rules, request);
  const takers = referenceTakers(rules, sent, true);
  const [first] = takers;
  if (first !== undefined)
    return (request.encoded & ~first.allowEncoded) === 0 ? { match: first } : { bad: first };
  const others = referenceTakers(rules, sent, false);
  if (others.length === 0) return 'no_route';
  return { allow: [...new Set(others.flatMap((rule) => rule.methods))].toSorted() };
}

/** The request itself; without its Origin where it is a preflight that is matched like any other OPTIONS request. */
export function referenceRequest(rules: readonly Rule<string>[], request: RouteRequest): RouteRequest {
  if (preflightMethod(request) === undefined) return request;
  const asSent: RouteRequest = {
    ...request,
    header: (name) => (name === 'origin' ? undefined : request.header(name)),
  };
  const [first] = referenceTakers(rules, request, true);
  if (first === undefined) return referenceTakers(rules, asSent, true).length > 0 ? asSent : request;
  const takesOptions = first.methods.length === 0 || first.methods.includes('OPTIONS');
  const isRefused = (request.encoded & ~first.allowEncoded) !== 0;
  return takesOptions || isRefused || answersPreflight(first.key) ? request : asSent;
}

/** All rules that take the request (but for the method, unless it is asked), best first. */
export function referenceTakers(
  rules: readonly Rule<string>[],
  request: RouteRequest,
  askMethod: boolean,
): Rule<string>[] {
  const preflight = preflightMethod(request);
  const method = preflight ?? request.method;
  const takers: Taker[] = [];
  for (const rule of rules) {
    const host = hostOrder(rule, request.host);
    const path = pathOrder(rule, request.path);
    if (host === undefined || path === undefined || !predicatesHold(rule, request, preflight !== undefined))
      continue;
    if (askMethod && rule.methods.length > 0 && !rule.methods.includes(method)) continue;
    const counts = [-(rule.headers.length + rule.cookies.length), -rule.query.length, -rule.priority];
    takers.push({
      rule,
      order: [host, path, rule.methods.length > 0 ? 0 : 1, ...counts, rule.key, rule.index],
    });
  }
  return takers.toSorted((a, b) => compareOrders(a.order, b.order)).map((taker) => taker.rule);
}

function compareOrders(a: Taker['order'], b: Taker['order']): number {
  for (const [at, left] of a.entries()) {
    const right = b[at];
    if (right !== undefined && left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function hostOrder(rule: Rule<string>, host: string): number | undefined {
  if (rule.hosts.length === 0) return 0;
  const orders = rule.hosts.flatMap((pattern) => {
    if (!pattern.startsWith('*.')) return pattern === host ? [-1000] : [];
    const labels = host.split('.');
    const suffix = pattern.slice(2);
    return labels.some((_, at) => at > 0 && labels.slice(at).join('.') === suffix) ? [-pattern.length] : [];
  });
  return orders.length === 0 ? undefined : Math.min(...orders);
}

/** "exact", or a digit a segment (0 literal, 1 parameter), then how it ends (2 here, 3 prefix or rest); "~" a pattern. */
function pathOrder(rule: Rule<string>, path: string): string | undefined {
  if ('exact' in rule.path) return rule.path.exact === path ? '!' : undefined;
  if ('regex' in rule.path) return new RegExp(`^(?:${rule.path.regex})$`).test(path) ? '~' : undefined;
  const text = 'prefix' in rule.path ? rule.path.prefix.replace(/\/$/, '') : rule.path.template;
  const pieces = text.split('/').slice(1);
  let pattern = '';
  let order = '';
  for (const piece of pieces) {
    if (piece.endsWith('...}')) pattern += '/.*';
    else pattern += piece.startsWith('{') ? '/[^/]+' : `/${piece}`;
    if (!piece.endsWith('...}')) order += piece.startsWith('{') ? '1' : '0';
  }
  const isOpen = 'prefix' in rule.path || text.endsWith('...}');
  if ('prefix' in rule.path) pattern += '(/.*)?';
  return new RegExp(`^${pattern}$`).test(path) ? order + (isOpen ? '3' : '2') : undefined;
}

function predicatesHold(rule: Rule<string>, request: RouteRequest, isPreflight: boolean): boolean {
  const announced = (request.header('access-control-request-headers') ?? '').split(', ');
  const query = new URLSearchParams(request.query ?? '');
  const cookies = (request.header('cookie') ?? '').split('; ').map((pair) => pair.split('='));
  return (
    rule.headers.every((test) =>
      isPreflight && announced.includes(test.name)
        ? !('present' in test && !test.present)
        : holds(test, request.header(test.name)),
    ) &&
    rule.query.every((test) => holds(test, query.get(test.name) ?? undefined)) &&
    rule.cookies.every((test) => holds(test, cookies.find(([name]) => name === test.name)?.[1]))
  );
}

function holds(test: ValuePredicate, value: string | undefined): boolean {
  if ('present' in test) return test.present === (value !== undefined);
  if (value === undefined) return false;
  if ('exact' in test) return value === test.exact;
  if ('prefix' in test) return value.startsWith(test.prefix);
  return new RegExp(`^(?:${test.regex})$`).test(value);
}

function preflightMethod(request: RouteRequest): string | undefined {
  if (request.method !== 'OPTIONS' || request.header('origin') === undefined) return undefined;
  return request.header('access-control-request-method');
}
