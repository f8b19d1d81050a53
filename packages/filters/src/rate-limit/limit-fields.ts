/** How clients are told of limits: draft-ietf-httpapi-ratelimit-headers. */

import { fieldValue, listValue, setField } from '../fields.ts';
import type { FilterExchange, Refusal } from '../filter.ts';
import type { Rate } from './buckets.ts';

/** Member of RateLimit-Policy. */
export function policyOf(name: string, requests: number, seconds: number): string {
  return `"${name}";q=${requests};w=${seconds}`;
}

/** Member of RateLimit: what is left in a bucket, from what `Buckets.take` gave, and when there is enough or more. */
export function rateLeft(
  name: string,
  { intervalNs, capacity }: Rate,
  result: number,
  needed: number,
): string {
  // What a refused request found is what it needed, less what was missing.
  const owedNs = result >= 0 ? result : -result + (capacity - needed) * intervalNs;
  const left = Math.max(Math.floor(capacity - owedNs / intervalNs + 1e-6), 0);
  const waitNs = left >= needed ? owedNs : Math.max(owedNs - (capacity - needed) * intervalNs, 0);
  return leftOf(name, left, waitNs);
}

export function leftOf(name: string, left: number, waitNs: number): string {
  return `"${name}";r=${left};t=${wholeSeconds(waitNs)}`;
}

export function addPolicy(
  { responseFields, legacyRateLimitHeaders }: FilterExchange,
  policy: string,
  left: string,
): void {
  append(responseFields, 'ratelimit-policy', policy);
  append(responseFields, 'ratelimit', left);
  if (legacyRateLimitHeaders) tellTightest(responseFields, policy, left);
}

/** X-RateLimit-* have room for one limit: of several, those of the upstream included, the one with the least left. Reset is in seconds, as Envoy and Kong have it. */
function tellTightest(fields: string[], policy: string, left: string): void {
  const [, limit] = /;q=(\d+);w=\d+$/.exec(policy)!;
  const [, remaining, reset] = /;r=(\d+);t=(\d+)$/.exec(left)!;
  const before = fieldValue(fields, 'x-ratelimit-remaining');
  if (before !== undefined && Number(before) <= Number(remaining)) return;
  setField(fields, 'x-ratelimit-limit', limit!);
  setField(fields, 'x-ratelimit-remaining', remaining!);
  setField(fields, 'x-ratelimit-reset', reset!);
}

/** 429 for the limits of these names; none of them is worth another try before. */
export function overLimit(
  reason: 'rate_limited' | 'quota_exceeded',
  names: readonly string[],
  waitNs: number,
): Refusal {
  return {
    kind: 'refusal',
    reason,
    detail: usedUp(reason === 'rate_limited' ? 'limit' : 'quota', names),
    fields: ['retry-after', String(wholeSeconds(waitNs))],
    members: {
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      'violated-policies': names,
    },
  };
}

function usedUp(what: string, names: readonly string[]): string {
  return names.length === 1
    ? `The ${what} ${names[0]} is used up.`
    : `The ${what}s ${names.join(', ')} are used up.`;
}

function wholeSeconds(ns: number): number {
  return Math.max(Math.ceil(ns / 1e9), 0);
}

/** Several limits are one list (RFC 9651 section 3.1). */
function append(fields: string[], name: string, member: string): void {
  const before = listValue(fields, name);
  if (before === undefined) fields.push(name, member);
  else setField(fields, name, `${before}, ${member}`);
}
