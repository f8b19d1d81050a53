// Why a request gets the Route that it gets: every rule judged on its own and set in order, for people to read.
//
// This goes the long way round, without the tree, so that a property test can hold one against the other.

import type { CompiledRule } from './compiled-rule.ts';
import { compareRules } from './compiled-rule.ts';
import { describeFailure, describeHosts, describePath } from './describe-rule.ts';
import { hostRank, nearnessOf, takesPath } from './judge-rule.ts';
import type { RouteRequest } from './request-view.ts';
import type { RequestView } from './request-view.ts';
import type { RouteOutcome } from './route-match.ts';
import type { AnswersPreflight, Router } from './router.ts';
import { compiledRules, matchRoute, viewOf } from './router.ts';
import type { Rule } from './rule.ts';

/** What decided for or against a rule. */
export type DecidedBy =
  | 'host'
  | 'path'
  | 'method'
  | 'headers'
  | 'cookies'
  | 'query'
  | 'priority'
  | 'name'
  | 'index';

export type Candidate<T> =
  | { readonly rule: Rule<T>; readonly result: 'chosen' }
  /** Would have taken the request; `to` is the place in `candidates` of the rule that it lost to. */
  | {
      readonly rule: Rule<T>;
      readonly result: 'lost';
      readonly to: number;
      readonly by: DecidedBy;
      readonly detail: string;
    }
  | RefusedCandidate<T>;

export interface RefusedCandidate<T> {
  readonly rule: Rule<T>;
  readonly result: 'no';
  readonly by: DecidedBy;
  readonly detail: string;
}

export interface RouteExplanation<T> {
  /** What `matchRoute` answers. */
  readonly outcome: RouteOutcome<T>;
  /** Those that take the request in order of precedence, then the others, nearest first; `candidatesMax` at most. */
  readonly candidates: readonly Candidate<T>[];
  /** How many more rules there are. */
  readonly omitted: number;
  /** How many of the omitted ones are for other hosts. */
  readonly omittedHosts: number;
}

export const candidatesMax = 20;
/** Rules for other hosts are many and tell little: only the nearest is shown. */
const otherHostsMax = 1;
const nearestMax = 3;

interface Taker<T> {
  readonly compiled: CompiledRule<T>;
  readonly hostRank: number;
}

interface Refusal<T> {
  readonly compiled: CompiledRule<T>;
  readonly by: DecidedBy;
  readonly detail: string;
  readonly nearness: number;
}

/** How far a refused rule came: a rule that misses by its method alone is the nearest. */
const stages: readonly DecidedBy[] = ['host', 'path', 'headers', 'cookies', 'query', 'method'];

/** Judges every rule; costs milliseconds among 10,000, so it is not for the request path. */
export function explainRoute<T>(
  router: Router<T>,
  request: RouteRequest,
  answersPreflight?: AnswersPreflight<T>,
): RouteExplanation<T> {
  const view = viewOf(router, request, answersPreflight);
  const takers: Taker<T>[] = [];
  const refusals: Refusal<T>[] = [];
  for (const compiled of compiledRules(router)) {
    const rank = hostRank(compiled.rule.hosts, request.host);
    const refusal = refusalOf(compiled, rank, view);
    if (refusal === undefined) takers.push({ compiled, hostRank: rank });
    else refusals.push(refusal);
  }
  takers.sort(compareTakers);
  refusals.sort(compareRefusals);
  const candidates: Candidate<T>[] = takers
    .slice(0, candidatesMax)
    .map((taker) => candidateOf(taker, takers[0]));
  const otherHosts = refusals.filter((refusal) => refusal.by === 'host');
  const shown = [
    ...refusals.slice(0, refusals.length - otherHosts.length),
    ...otherHosts.slice(0, otherHostsMax),
  ].slice(0, candidatesMax - candidates.length);
  for (const { compiled, by, detail } of shown)
    candidates.push({ rule: compiled.rule, result: 'no', by, detail });
  return {
    outcome: matchRoute(router, request, answersPreflight),
    candidates,
    omitted: takers.length + refusals.length - candidates.length,
    omittedHosts: otherHosts.length - shown.filter((refusal) => refusal.by === 'host').length,
  };
}

/** For a hint beside `no_route` and `method_not_allowed`: the rules that came nearest, all of which miss by the same. */
export function nearestRules<T>(explanation: RouteExplanation<T>): readonly RefusedCandidate<T>[] {
  const refused = explanation.candidates.filter((candidate) => candidate.result === 'no');
  return refused.filter((candidate) => candidate.by === refused[0]?.by).slice(0, nearestMax);
}

function refusalOf<T>(compiled: CompiledRule<T>, rank: number, view: RequestView): Refusal<T> | undefined {
  const { rule } = compiled;
  const { host, path } = view.request;
  if (rank < 0) {
    const nearness = Math.max(...rule.hosts.map((name) => nearnessOf(name, host)));
    return { compiled, by: 'host', detail: `host ${describeHosts(rule.hosts)}`, nearness };
  }
  if (!takesPath(compiled.pattern, path)) {
    const nearness = 'regex' in rule.path ? -Infinity : nearnessOf(Object.values(rule.path).join(''), path);
    return { compiled, by: 'path', detail: `path ${describePath(rule.path)}`, nearness };
  }
  const failed = view.failedCheck(compiled.checks);
  if (failed !== undefined) {
    const by = failed.source === 'header' ? 'headers' : failed.source === 'cookie' ? 'cookies' : 'query';
    return { compiled, by, detail: describeFailure(failed, view.valueOf(failed) !== undefined), nearness: 0 };
  }
  if (view.takesMethod(compiled.methods)) return undefined;
  return { compiled, by: 'method', detail: `methods ${rule.methods.join(',')}`, nearness: 0 };
}

function compareTakers(a: Taker<unknown>, b: Taker<unknown>): number {
  return (
    b.hostRank - a.hostRank || comparePaths(a.compiled, b.compiled) || compareRules(a.compiled, b.compiled)
  );
}

function compareRefusals(a: Refusal<unknown>, b: Refusal<unknown>): number {
  return (
    stages.indexOf(b.by) - stages.indexOf(a.by) ||
    // Not a difference: both may be infinite.
    (a.nearness === b.nearness ? 0 : a.nearness > b.nearness ? -1 : 1) ||
    comparePaths(a.compiled, b.compiled) ||
    compareRules(a.compiled, b.compiled)
  );
}

function comparePaths(a: CompiledRule<unknown>, b: CompiledRule<unknown>): number {
  return a.pattern.rank < b.pattern.rank ? -1 : a.pattern.rank > b.pattern.rank ? 1 : 0;
}

function candidateOf<T>(taker: Taker<T>, winner: Taker<T> | undefined): Candidate<T> {
  const { rule } = taker.compiled;
  if (winner === undefined || winner === taker) return { rule, result: 'chosen' };
  return { rule, result: 'lost', to: 0, ...whyLost(taker, winner) };
}

function whyLost(loser: Taker<unknown>, winner: Taker<unknown>): { by: DecidedBy; detail: string } {
  const { compiled: a } = loser;
  const { compiled: b } = winner;
  if (loser.hostRank !== winner.hostRank) {
    const hosts = `${describeHosts(a.rule.hosts)} against ${describeHosts(b.rule.hosts)}`;
    return { by: 'host', detail: `less specific host (${hosts})` };
  }
  if (a.pattern.rank !== b.pattern.rank) {
    const paths = `${describePath(a.rule.path)} against ${describePath(b.rule.path)}`;
    return { by: 'path', detail: `less specific path (${paths})` };
  }
  if (a.methods.length > 0 !== b.methods.length > 0) return { by: 'method', detail: 'lists no methods' };
  if (a.headerChecks !== b.headerChecks) {
    return { by: 'headers', detail: `fewer header matches (${a.headerChecks} against ${b.headerChecks})` };
  }
  if (a.queryChecks !== b.queryChecks) {
    return { by: 'query', detail: `fewer query matches (${a.queryChecks} against ${b.queryChecks})` };
  }
  if (a.rule.priority !== b.rule.priority) {
    return { by: 'priority', detail: `lower priority (${a.rule.priority} against ${b.rule.priority})` };
  }
  if (a.rule.key !== b.rule.key) return { by: 'name', detail: `name comes after ${b.rule.key}` };
  return { by: 'index', detail: 'stands later in the same Route' };
}
