// Compares what was expected of a case with what was observed.

import type { Case, Expectation } from './case.ts';
import type { Observed } from './play-case.ts';

/** Everything that is wrong, in sentences; nothing when the case passes. */
export function judge(each: Case, observed: Observed): string[] {
  const { expect } = each;
  return [...judgeStatus(expect, observed), ...judgeClient(each, observed), ...judgeUpstream(each, observed)];
}

function judgeStatus(expect: Expectation, observed: Observed): string[] {
  const status = observed.client.finals[0]?.status ?? 0;
  const found = status === 0 && !observed.isClosed ? 'no answer, and an open connection' : `status ${status}`;
  const wanted = wantedStatuses(expect);
  return wanted.includes(status) && (status !== 0 || observed.isClosed)
    ? []
    : [`${found} instead of ${wanted.join(' or ')}`];
}

function wantedStatuses({ status, prefer }: Expectation): readonly number[] {
  return prefer === undefined ? status : [prefer];
}

function judgeClient({ kind, expect }: Case, observed: Observed): string[] {
  const { client, received, isClosed, isOver } = observed;
  const { finals, isCutOff, fault } = client;
  const problems = judgeTexts('the client', received, expect.clientContains, expect.clientNotContains);
  if (fault !== undefined) problems.push(`the client got ${fault}`);
  if (expect.responses !== undefined && finals.length !== expect.responses)
    problems.push(`${finals.length} responses instead of ${expect.responses}`);
  const mustBeWhole = kind === 'request' || expect.cutOff === false;
  if (isCutOff && mustBeWhole) problems.push('a response is cut off though the upstream sent it whole');
  if (expect.cutOff === true && !isCutOff && finals[0]?.status === 200)
    problems.push('the last response looks whole');
  if (!isOver) problems.push('the connection stays open');
  if (mustClose(expect, observed) && !isClosed) problems.push('the gateway does not close the connection');
  return problems;
}

function mustClose({ connection }: Expectation, { client }: Observed): boolean {
  if (connection === 'close') return true;
  return connection === 'close-if-200' && client.finals[0]?.status === 200;
}

function judgeUpstream({ kind, expect }: Case, { client, upstream }: Observed): string[] {
  const { requests, incomplete, faults, bytes } = upstream;
  const problems = judgeTexts('the upstream', bytes, expect.upstreamContains, expect.upstreamNotContains);
  problems.push(...faults.map((fault) => `the upstream got ${fault}`));
  const bounds = upstreamBounds(expect);
  const isWithin =
    requests.length >= bounds.wholeMin &&
    requests.length <= bounds.wholeMax &&
    incomplete <= bounds.startedMax;
  if (!isWithin)
    problems.push(
      `the upstream saw ${requests.length} requests and ${incomplete} that did not end, instead of ${bounds.name}`,
    );
  const bodies = requests.map(({ body }) => body.toString('latin1'));
  if (expect.upstreamBodies !== undefined && bodies.join('|') !== expect.upstreamBodies.join('|'))
    problems.push(`bodies ${JSON.stringify(bodies)} instead of ${JSON.stringify(expect.upstreamBodies)}`);
  if (kind === 'request') problems.push(...judgeEcho(client, upstream));
  return problems;
}

/** The upstream answers with what it saw: a client must get the answer to its own request. */
export function judgeEcho({ finals }: Observed['client'], { requests }: Observed['upstream']): string[] {
  const seen = requests.map(({ method, target }) => `${method} ${target} HTTP/1.1`);
  return finals
    .filter(({ status }) => status === 200)
    .map(({ body }, index) => ({ echo: body.toString('latin1'), wanted: seen[index] }))
    .filter(({ echo, wanted }) => echo !== wanted && !isBodiless(echo, wanted))
    .map(({ echo, wanted }) => `the client got the answer to ${echo}, and the upstream saw ${wanted}`);
}

function isBodiless(echo: string, request: string | undefined): boolean {
  return echo === '' && request?.startsWith('HEAD ') === true;
}

interface UpstreamBounds {
  readonly name: string;
  readonly wholeMin: number;
  readonly wholeMax: number;
  /** Requests that began and did not end. */
  readonly startedMax: number;
}

function upstreamBounds({ upstreamSees }: Expectation): UpstreamBounds {
  const exactly = (count: number): UpstreamBounds => ({
    name: `${count} requests`,
    wholeMin: count,
    wholeMax: count,
    startedMax: 0,
  });
  switch (upstreamSees) {
    case 'none':
      return exactly(0);
    case 'exactly-one-request':
      return exactly(1);
    case 'two-requests':
      return exactly(2);
    case 'none-or-one':
      return { name: 'one request at most', wholeMin: 0, wholeMax: 1, startedMax: 1 };
    case 'no-complete-request':
      return { name: 'no whole request', wholeMin: 0, wholeMax: 0, startedMax: 1 };
    case 'any':
      return { name: 'any', wholeMin: 0, wholeMax: Infinity, startedMax: Infinity };
  }
}

function judgeTexts(
  who: string,
  text: string,
  contains: readonly string[] = [],
  notContains: readonly string[] = [],
): string[] {
  return [
    ...contains
      .filter((part) => !has(text, part))
      .map((part) => `${who} did not get ${JSON.stringify(part)}`),
    ...notContains.filter((part) => has(text, part)).map((part) => `${who} got ${JSON.stringify(part)}`),
  ];
}

function has(text: string, part: string): boolean {
  return part.startsWith('cs:')
    ? text.includes(part.slice('cs:'.length))
    : text.toLowerCase().includes(part.toLowerCase());
}
