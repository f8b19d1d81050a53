import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { explainRoute } from './explain.ts';
import { matchSignature } from './match-signature.ts';
import type { RouteRequest } from './request-view.ts';
import type { Router } from './router.ts';
import { compiledRules, emptyRouter, matchRoute, updateRouter } from './router.ts';
import type { Rule } from './rule.ts';
import { requestArbitrary, rulesArbitrary } from './testing/arbitraries.ts';
import {
  answersPreflight,
  type ReferenceOutcome,
  referenceMatch,
  referenceRequest,
  referenceTakers,
} from './testing/linear-reference.ts';

const requests = fc.array(requestArbitrary, { minLength: 1, maxLength: 20 });

function build(rules: Iterable<Rule<string>>): Router<string> {
  return updateRouter(emptyRouter<string>(), { remove: [], add: rules });
}

function answer(router: Router<string>, request: RouteRequest): ReferenceOutcome {
  const outcome = matchRoute(router, request, answersPreflight);
  if (outcome.kind === 'match') return { match: outcome.rule };
  if (outcome.kind === 'bad_request') return { bad: outcome.rule };
  return outcome.kind === 'no_route' ? outcome.kind : { allow: [...outcome.allow] };
}

test('property: the tree finds what a linear search finds', () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(rulesArbitrary, requests, (rules, asked) => {
      const router = build(rules);
      for (const request of asked) {
        const expected = referenceMatch(rules, request);
        assert.deepEqual(answer(router, request), expected);
        const kind = typeof expected === 'string' ? expected : (Object.keys(expected)[0] ?? '');
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: 1500 },
  );
  // The vocabulary is worth something only while every outcome turns up often.
  for (const kind of ['match', 'allow', 'bad', 'no_route']) assert.ok((kinds.get(kind) ?? 0) > 100, kind);
});

test('property: the order of insertion does not matter', () => {
  const shuffled = rulesArbitrary.chain((rules) =>
    fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })),
  );
  fc.assert(
    fc.property(shuffled, requests, ([rules, others], asked) => {
      const [one, other] = [build(rules), build(others)];
      for (const request of asked) assert.deepEqual(answer(one, request), answer(other, request));
    }),
    { numRuns: 300 },
  );
});

test('property: a router after changes is one built anew, and older routers stay as they were', () => {
  const change = fc.tuple(fc.uniqueArray(fc.nat(5).map((n) => `default/r${n}`)), rulesArbitrary);
  fc.assert(
    fc.property(rulesArbitrary, fc.array(change, { maxLength: 4 }), requests, (first, changes, asked) => {
      let router = build(first);
      let rules = first;
      const versions = [{ router, rules }];
      for (const [removed, added] of changes) {
        const keys = new Set([...removed, ...added.map((rule) => rule.key)]);
        router = updateRouter(router, { remove: keys, add: added });
        rules = [...rules.filter((rule) => !keys.has(rule.key)), ...added];
        versions.push({ router, rules });
      }
      for (const version of versions) {
        assert.equal([...compiledRules(version.router)].length, version.rules.length);
        for (const request of asked) {
          assert.deepEqual(answer(version.router, request), referenceMatch(version.rules, request));
        }
      }
      const keys = rules.map((rule) => rule.key);
      assert.deepEqual(updateRouter(router, { remove: keys, add: [] }), emptyRouter());
    }),
    { numRuns: 500 },
  );
});

test('property: explain lists those that take the request in order, agrees with the match, and loses nobody', () => {
  fc.assert(
    fc.property(rulesArbitrary, requestArbitrary, (rules, request) => {
      const router = build(rules);
      const explanation = explainRoute(router, request, answersPreflight);
      assert.deepEqual(explanation.outcome, matchRoute(router, request, answersPreflight));
      const takers = explanation.candidates.filter((candidate) => candidate.result !== 'no');
      const expected = referenceTakers(rules, referenceRequest(rules, request), true).slice(
        0,
        explanation.candidates.length,
      );
      assert.deepEqual(
        takers.map((candidate) => candidate.rule),
        expected,
      );
      assert.deepEqual(
        takers.map((candidate) => candidate.result),
        takers.map((_, at) => (at === 0 ? 'chosen' : 'lost')),
      );
      assert.equal(explanation.candidates.length + explanation.omitted, rules.length);
      assert.ok(explanation.omittedHosts <= explanation.omitted);
    }),
    { numRuns: 1500 },
  );
});

test('property: rules of one signature take the same requests', () => {
  const plain = rulesArbitrary.map((rules) =>
    rules.map((rule) => ({ ...rule, hosts: [], headers: [], query: [], cookies: [] })),
  );
  let pairs = 0;
  fc.assert(
    fc.property(plain, requests, (rules, asked) => {
      const groups = Map.groupBy(rules, (rule) => matchSignature(rule, undefined));
      for (const group of groups.values()) {
        if (group.length === 1) continue;
        pairs++;
        for (const request of asked) {
          const takers = group.filter((rule) => referenceTakers([rule], request, true).length > 0);
          assert.ok(takers.length === 0 || takers.length === group.length);
        }
      }
    }),
    { numRuns: 500 },
  );
  // About fifty on average; none would mean that the generator has stopped making twins.
  assert.ok(pairs > 5, `${pairs} pairs`);
});
