// Every case against a running gateway: raw bytes in, an upstream that writes down what it got, and no answer left to chance.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { OwnScope } from '../kit/owner.ts';
import { type Case, loadCases } from './case.ts';
import { settle } from './decisions.ts';
import { judge } from './judge.ts';
import { type Lanes, startLanes } from './lanes.ts';
import { type Observed, playCase } from './play-case.ts';

const laneCount = 16;
const shownMax = 600;
const files = ['reference.json', 'derived.json'];
/** Cases that take long begin first. */
const cases = files
  .flatMap(loadCases)
  .map(settle)
  .toSorted((a, b) => (b.timeoutMs ?? 0) - (a.timeoutMs ?? 0));

describe('HTTP/1.1 conformance', { concurrency: laneCount }, () => {
  const scope = new OwnScope();
  let lanes: Lanes;

  before(async () => {
    lanes = await startLanes(scope, laneCount);
  });

  after(async () => {
    try {
      await assertNoFailureInside(lanes);
    } finally {
      await scope.end();
    }
  });

  for (const each of cases) test(`${each.id} ${each.level}: ${each.title}`, () => runCase(lanes, each));
});

async function runCase(lanes: Lanes, each: Case): Promise<void> {
  await lanes.with(async ({ port, upstream }) => {
    const observed = await playCase(each, port, upstream);
    const problems = judge(each, observed);
    assert.ok(problems.length === 0, `${problems.join('; ')}\n${describeObserved(each, observed)}`);
  });
}

function describeObserved({ source }: Case, { received, upstream }: Observed): string {
  const shown = (bytes: string): string => JSON.stringify(bytes.slice(0, shownMax));
  return `  rule:     ${source}\n  client:   ${shown(received)}\n  upstream: ${shown(upstream.bytes)}`;
}

/** No bytes of a client or an upstream make the gateway fail: what it refuses has another reason. */
async function assertNoFailureInside({ node }: Lanes): Promise<void> {
  const { body } = await request(`${await node.statusUrl()}/metrics`, { reset: true });
  const failures = (await body.text()).split('\n').filter((line) => /reason="internal"/.test(line));
  assert.deepEqual(failures, []);
}
