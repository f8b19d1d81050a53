// D22: well-known attacks, spoilt further at random, against a living node. Whatever it lets through, everybody behind it must
// read in the same way; and no client gets what belongs to another request.

import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { shouldClose } from '@causeway/http1/should-close';
import { LlhttpReader, llhttpMethods } from '@causeway/http1/testing/llhttp';
import { mutate } from '@causeway/http1/testing/mutate';
import { chunksOf, type ReadMessage, readRequests, readResponse } from '@causeway/http1/testing/read-all';
import { type Case, loadCases } from '../conformance/case.ts';
import { judgeEcho } from '../conformance/judge.ts';
import { type Lane, type Lanes, startLanes } from '../conformance/lanes.ts';
import { type Observed, playCase } from '../conformance/play-case.ts';
import { scrape } from '../kit/metrics.ts';
import { OwnScope } from '../kit/owner.ts';
import { seed, seededRandom } from '../kit/seeded-random.ts';
import { type Origin, startOrigins, statusesFrom } from './origins.ts';

/** `npm run test:soak` sets it. */
const fuzzSeconds = Number(process.env['CAUSEWAY_TEST_FUZZ_SECONDS'] ?? 6);
const sideBySide = 16;
const bytesMax = 2000;
const mutationsMax = 3;
/** Methods that every origin takes. */
const plainMethod = /^[A-Z]+$/;

const cases = ['reference.json', 'derived.json'].flatMap(loadCases);
const requestCases = cases.filter(
  ({ kind, raw = '', halfClose = false }) =>
    kind === 'request' && raw !== '' && raw.length < bytesMax && !halfClose,
);
const requests = requestCases.flatMap(({ raw = '' }) => raw);
const orderly = requestCases.flatMap(({ raw = '', expect: { status, upstreamSees } }) =>
  status.length === 1 && /-requests?$/.test(upstreamSees) ? raw : [],
);
const responses = cases.flatMap(({ upstreamRaw = [] }) =>
  upstreamRaw.filter((raw) => raw !== '' && raw.length < bytesMax),
);

/** Most of a stream is in order: only what goes on can be read in two ways. */
const orderlyShare = 0.8;

const plain = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: gw.test\r\n\r\n`;

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)]!;
}

function spoil(text: string, random: () => number): string {
  const count = Math.floor(random() * (mutationsMax + 1));
  const number = (): number => Math.floor(random() * 0x1_0000_0000);
  return Array.from({ length: count }).reduce<string>((result) => mutate(result, number(), number()), text);
}

function caseOf(parts: Pick<Case, 'kind' | 'raw'> & Partial<Case>): Case {
  // One status is as good as another here; only that there is an end matters.
  return {
    id: 'mutated',
    title: 'mutated',
    level: 'MUST',
    source: '',
    expect: { status: [], upstreamSees: 'any' },
    ...parts,
  };
}

describe('mutated streams', () => {
  const scope = new OwnScope();
  let lanes: Lanes;
  let origins: readonly Origin[];

  before(async () => {
    lanes = await startLanes(scope, sideBySide);
    origins = await startOrigins(scope);
  });
  after(() => scope.end());

  test('of requests reach the upstream so that every parser finds the same requests', async (t) => {
    t.diagnostic(`opinions: ours, the test's, llhttp, ${origins.map(({ name }) => name).join(', ')}`);
    const { runs, forwarded } = await fuzz(t, lanes, async (lane, random) => {
      const parts = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
        pick(random() < orderlyShare ? orderly : requests, random),
      );
      const raw = spoil(parts.join(''), random);
      const { messages, isForHead } = readRequests(chunksOf(raw));
      const methods = [...messages.map(methodOf), isForHead ? 'HEAD' : ''];
      const played = caseOf({ kind: 'request', raw, methods, halfClose: true });
      const observed = await playCase(played, lane.port, lane.upstream);
      const problems = [
        ...judgeRequests(raw, observed),
        ...(await Promise.all(origins.map((origin) => judgeBy(origin, observed)))).flat(),
      ];
      assert.ok(problems.length === 0, explain(problems, raw, observed));
      return observed.upstream.requests.length;
    });
    t.diagnostic(`${runs} streams, ${forwarded} requests forwarded`);
    assert.ok(forwarded > 0 && runs > 0);
  });

  test('of responses reach the client as the codec reads them, or look broken', async (t) => {
    const { runs, forwarded } = await fuzz(t, lanes, async (lane, random) => {
      const raw = spoil(pick(responses, random), random);
      const played = caseOf({ kind: 'response', raw: plain('/'), upstreamRaw: [raw] });
      const observed = await playCase(played, lane.port, lane.upstream);
      const problems = judgeResponse(raw, observed);
      assert.ok(problems.length === 0, explain(problems, raw, observed));
      return observed.client.finals.filter(({ status }) => status !== 502).length;
    });
    t.diagnostic(`${runs} responses, ${forwarded} forwarded`);
    assert.ok(forwarded > 0 && runs > 0);
  });
});

/** Runs `once` on every lane until the time is over; the node must not have failed inside. */
async function fuzz(
  t: TestContext,
  lanes: Lanes,
  once: (lane: Lane, random: () => number) => Promise<number>,
): Promise<{ runs: number; forwarded: number }> {
  t.diagnostic(`seed ${seed}`);
  const deadlineMs = performance.now() + (fuzzSeconds * 1000) / 2;
  const sum = { runs: 0, forwarded: 0 };
  const run = async (_: unknown, index: number): Promise<void> => {
    const random = seededRandom(seed + index);
    while (performance.now() < deadlineMs) {
      const forwarded = await lanes.with((lane) => once(lane, random));
      sum.forwarded += forwarded;
      sum.runs += 1;
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, run));
  assert.equal((await scrape(lanes.node)).sum('causeway_requests_total', { reason: 'internal' }), 0);
  return sum;
}

function judgeRequests(raw: string, { client, upstream, isOver }: Observed): string[] {
  const { requests: seen, incomplete, faults, connections } = upstream;
  const problems = [...faults, ...judgeEcho(client, upstream)];
  if (!isOver) problems.push('the connection stays open');
  if (client.fault !== undefined) problems.push(client.fault);
  if (client.isCutOff) problems.push('a response is cut off');
  const sent = readRequests(chunksOf(raw)).messages;
  const whole = sent.filter(({ isComplete }) => isComplete).length;
  if (seen.length > whole) problems.push(`${seen.length} requests forwarded of ${whole}`);
  if (seen.length + incomplete > sent.length)
    problems.push(`${seen.length + incomplete} requests begun of ${sent.length}`);
  if (client.finals.length > sent.length + 1) problems.push(`${client.finals.length} responses`);
  const opinions = connections.map((bytes) => [countByUs(bytes), countByLlhttp(bytes)]);
  const [ours, theirs] = [0, 1].map((index) => opinions.reduce((sum, counts) => sum + counts[index]!, 0));
  if (ours !== seen.length) problems.push(`our codec finds ${ours} requests, the upstream ${seen.length}`);
  const isKnown = seen.every(({ method }) => llhttpMethods.has(method));
  if (isKnown && theirs !== seen.length)
    problems.push(`llhttp finds ${theirs} requests, the upstream ${seen.length}`);
  return problems;
}

function methodOf({ head }: ReadMessage): string {
  return 'method' in head ? head.method : '';
}

function countByUs(bytes: Buffer): number {
  return readRequests([bytes]).messages.filter(({ isComplete }) => isComplete).length;
}

function countByLlhttp(bytes: Buffer): number {
  const reader = new LlhttpReader('request');
  reader.execute(bytes);
  return reader.messages.filter(({ isComplete }) => isComplete).length;
}

/** Connections whose last request never ended are left out: origins may answer before the body has come. */
async function judgeBy(origin: Origin, { upstream }: Observed): Promise<string[]> {
  const { requests: seen, incomplete, connections } = upstream;
  if (incomplete > 0 || !seen.every(({ method }) => plainMethod.test(method))) return [];
  const problems: string[] = [];
  for (const bytes of connections.filter(({ length }) => length > 0)) {
    const known = readRequests([bytes]).messages;
    const methods = known.map(methodOf);
    const statuses = await statusesFrom(origin, bytes, (index) => methods[index] === 'HEAD');
    // The one behind them is answered unless the gateway has said that there is none.
    const wanted = known.some(({ head }) => shouldClose(head)) ? known.length : known.length + 1;
    if (statuses.length !== wanted || statuses.includes(400))
      problems.push(`${origin.name} answers ${JSON.stringify(statuses)} instead of ${wanted} times`);
  }
  return problems;
}

function judgeResponse(raw: string, { client, upstream, isOver }: Observed): string[] {
  const { finals, isCutOff, fault } = client;
  const problems: string[] = [];
  if (!isOver) problems.push('the connection stays open');
  if (fault !== undefined) problems.push(fault);
  if (finals.length !== 1) problems.push(`${finals.length} responses`);
  if (upstream.requests.length !== 1) problems.push(`${upstream.requests.length} requests at the upstream`);
  const [got] = finals;
  const read = readResponse(chunksOf(raw));
  const final = read.messages.find(({ head }) => 'status' in head && head.status >= 200);
  const isGood = read.fault === undefined && final?.isComplete === true;
  const status = final !== undefined && 'status' in final.head ? final.head.status : 0;
  if (isGood && (got?.status !== status || isCutOff || got.body.toString('latin1') !== final.body))
    problems.push(`a good ${status} became ${got?.status}${isCutOff ? ', cut off' : ''}`);
  if (!isGood && got?.status !== 502 && !isCutOff) problems.push(`a broken response became ${got?.status}`);
  return problems;
}

function explain(problems: readonly string[], raw: string, { received, upstream }: Observed): string {
  const parts = { sent: raw, received, upstream: upstream.bytes };
  const lines = Object.entries(parts).map(([name, bytes]) => `  ${name}: ${JSON.stringify(bytes)}`);
  return [problems.join('; '), `  seed ${seed}`, ...lines].join('\n');
}
