// The index that finds a request's Route: by host, then by path, then by what else the rules ask. Pure and immutable.

import { encodedNames } from './canonical-path.ts';
import type { CompiledRule } from './compiled-rule.ts';
import { compareText, compileRule, RuleError } from './compiled-rule.ts';
import type { HostBucket } from './host-bucket.ts';
import { addToBucket, removeFromBucket } from './host-bucket.ts';
import type { RouteRequest } from './request-view.ts';
import { hostLengthMax, methodOfPreflight, RequestView } from './request-view.ts';
import { RouteMatch, type RouteOutcome } from './route-match.ts';
import type { Rule } from './rule.ts';
import { RouteSearch } from './route-search.ts';
import type { EditToken, SharedMap } from './shared-map.ts';
import { sharedDelete, sharedGet, sharedSet, sharedValues } from './shared-map.ts';

/** Opaque to all but this package. Never changes once a function has returned it. */
export interface Router<T> {
  readonly routes: SharedMap<readonly CompiledRule<T>[]> | undefined;
  readonly exactHosts: SharedMap<HostBucket<T>> | undefined;
  /** By suffix, without the `*.`. */
  readonly wildcardHosts: SharedMap<HostBucket<T>> | undefined;
  readonly everyHost: HostBucket<T> | undefined;
}

/** `remove` holds keys of Routes (unknown ones are ignored), all of whose rules go before `add` comes. */
export interface RouterChange<T> {
  readonly remove: Iterable<string>;
  readonly add: Iterable<Rule<T>>;
}

type RouterEdit<T> = { -readonly [K in keyof Router<T>]: Router<T>[K] };

const noRoute = { kind: 'no_route' } as const;

export function emptyRouter<T>(): Router<T> {
  return { routes: undefined, exactHosts: undefined, wildcardHosts: undefined, everyHost: undefined };
}

/**
 * A router with the change made; the one given stays valid and as it was, and shares what did not change. Costs tens
 * of microseconds a rule, whatever the size of the router. Throws RuleError for a rule that does not parse, or whose
 * Route already has one of that index; then nothing has changed.
 */
export function updateRouter<T>(router: Router<T>, change: RouterChange<T>): Router<T> {
  const steps = updateRouterInSteps(router, change);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same, with a place to pause after each rule. Neither `router` nor the result changes in between. */
export function* updateRouterInSteps<T>(
  router: Router<T>,
  change: RouterChange<T>,
): Generator<void, Router<T>, void> {
  const edit: RouterEdit<T> = { ...router };
  const token: EditToken = { edit: true };
  for (const key of change.remove) {
    for (const rule of sharedGet(edit.routes, key) ?? []) removeRule(edit, rule, token);
    edit.routes = sharedDelete(edit.routes, key, token);
    yield;
  }
  const added = new Map<string, CompiledRule<T>[]>();
  for (const rule of change.add) {
    const compiled = compileRule(rule);
    addToRoute(edit, compiled, added, token);
    addRule(edit, compiled, token);
    yield;
  }
  return edit;
}

/** `added` holds the lists that this edit has made and may change. */
function addToRoute<T>(
  edit: RouterEdit<T>,
  compiled: CompiledRule<T>,
  added: Map<string, CompiledRule<T>[]>,
  token: EditToken,
): void {
  const { rule } = compiled;
  const siblings = added.get(rule.key) ?? sharedGet(edit.routes, rule.key)?.slice() ?? [];
  if (siblings.some((other) => other.rule.index === rule.index)) throw new RuleError(rule, 'was added twice');
  siblings.push(compiled);
  if (added.has(rule.key)) return;
  added.set(rule.key, siblings);
  edit.routes = sharedSet(edit.routes, rule.key, siblings, token);
}

/** Of a CORS preflight: whether the gateway answers it for the Route of this value. */
export type AnswersPreflight<T> = (value: T) => boolean;

/**
 * Finds the rule for a request. Order: host (exact, longest wildcard, none); path (exact; segment by segment literal,
 * parameter, end of prefix; pattern); method listed; header and cookie matches; query matches; priority; key; index.
 * A path or host none of whose rules hold gives way to the next one.
 *
 * A CORS preflight belongs to the rule of the request that it announces: it is matched by the method that it asks about, and a
 * predicate on a header that it announces holds. Where that rule neither has the gateway answer preflights nor takes OPTIONS
 * itself, or where there is none, the preflight is matched like any other OPTIONS request.
 *
 * Hot path: 1 to 2 us among 10,000 Routes, mostly cache misses; see test/bench/router.ts. A request visits each node of the tree
 * once at most, whatever its path; patterns and rules of one path are tried one after the other.
 */
export function matchRoute<T>(
  router: Router<T>,
  request: RouteRequest,
  answersPreflight: AnswersPreflight<T> = never,
): RouteOutcome<T> {
  return matchView(router, viewOf(router, request, answersPreflight));
}

/** How the request is to be judged: as what it is, or as what it announces. */
export function viewOf<T>(
  router: Router<T>,
  request: RouteRequest,
  answersPreflight: AnswersPreflight<T> = never,
): RequestView {
  const view = new RequestView(request);
  if (methodOfPreflight(request) === undefined) return view;
  const announced = matchView(router, view);
  if (announced.kind === 'bad_request') return view;
  if (announced.kind === 'match') {
    const { methods, value } = announced.rule;
    if (methods.length === 0 || methods.includes('OPTIONS') || answersPreflight(value)) return view;
  }
  const asSent = new RequestView(request, true);
  // Where nothing takes it either way, the answer speaks of the request that will come.
  return announced.kind === 'match' || 'rule' in matchView(router, asSent) ? asSent : view;
}

function matchView<T>(router: Router<T>, view: RequestView): RouteOutcome<T> {
  const { request } = view;
  const search = new RouteSearch<T>(view);
  const found = findRule(router, search, request.host);
  if (found !== undefined) {
    const refused = request.encoded & ~found.rule.allowEncoded;
    if (refused === 0) return new RouteMatch(found, request.path);
    return { kind: 'bad_request', rule: found.rule, refused: encodedNames(refused) };
  }
  const allow = search.allowedMethods();
  return allow.length === 0 ? noRoute : { kind: 'method_not_allowed', allow: allow.toSorted(compareText) };
}

function never(): boolean {
  return false;
}

/** Every rule, in no order that anyone may rely on. */
export function* compiledRules<T>(router: Router<T>): Generator<CompiledRule<T>, void> {
  for (const rules of sharedValues(router.routes)) yield* rules;
}

function findRule<T>(router: Router<T>, search: RouteSearch<T>, host: string): CompiledRule<T> | undefined {
  if (host.length <= hostLengthMax) {
    const bucket = sharedGet(router.exactHosts, host);
    const found = bucket === undefined ? undefined : search.findIn(bucket);
    if (found !== undefined) return found;
    if (router.wildcardHosts !== undefined) {
      for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
        const wildcard = sharedGet(router.wildcardHosts, host.slice(dot + 1));
        const foundBelow = wildcard === undefined ? undefined : search.findIn(wildcard);
        if (foundBelow !== undefined) return foundBelow;
      }
    }
  }
  return router.everyHost === undefined ? undefined : search.findIn(router.everyHost);
}

function addRule<T>(edit: RouterEdit<T>, rule: CompiledRule<T>, token: EditToken): void {
  if (rule.rule.hosts.length === 0) edit.everyHost = addToBucket(edit.everyHost, rule, token);
  for (const host of new Set(rule.rule.hosts)) {
    const [hosts, name] = placeOf(host);
    edit[hosts] = sharedSet(edit[hosts], name, addToBucket(sharedGet(edit[hosts], name), rule, token), token);
  }
}

function removeRule<T>(edit: RouterEdit<T>, rule: CompiledRule<T>, token: EditToken): void {
  if (rule.rule.hosts.length === 0 && edit.everyHost !== undefined) {
    edit.everyHost = removeFromBucket(edit.everyHost, rule, token);
  }
  for (const host of new Set(rule.rule.hosts)) {
    const [hosts, name] = placeOf(host);
    const bucket = sharedGet(edit[hosts], name);
    if (bucket === undefined) continue;
    const left = removeFromBucket(bucket, rule, token);
    edit[hosts] =
      left === undefined ? sharedDelete(edit[hosts], name, token) : sharedSet(edit[hosts], name, left, token);
  }
}

function placeOf(host: string): ['exactHosts' | 'wildcardHosts', string] {
  return host.startsWith('*.') ? ['wildcardHosts', host.slice(2)] : ['exactHosts', host];
}
