// The judge is judged first: each of its complaints is provoked once, so that no case can pass for want of looking.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Case, Expectation } from './case.ts';
import { judge } from './judge.ts';
import type { Observed } from './play-case.ts';
import { readResponses } from './read-responses.ts';

const seen = { method: 'GET', target: '/', headers: [], body: Buffer.from('hello'), trailers: [] };
const echo = 'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\nGET / HTTP/1.1';

function caseOf(expect: Partial<Expectation>, kind: Case['kind'] = 'request'): Case {
  const expectation: Expectation = { status: [200], upstreamSees: 'any', ...expect };
  return { id: 'X', title: 't', level: 'MUST', kind, raw: '', source: 's', expect: expectation };
}

function observedOf(received: string, changes: Partial<Observed> = {}): Observed {
  const client = readResponses(Buffer.from(received), { isHead: () => false, ended: true });
  const upstream = {
    connections: [],
    requests: [seen],
    incomplete: 0,
    faults: [],
    bytes: 'GET / X-Secret',
  };
  return { client, received, isClosed: false, isOver: true, upstream, ...changes };
}

function complaint(expect: Partial<Expectation>, observed: Observed, kind?: Case['kind']): string {
  return judge(caseOf(expect, kind), observed).join('; ');
}

describe('judge', () => {
  test('is content with what was expected', () => {
    assert.equal(complaint({ responses: 1, upstreamSees: 'exactly-one-request' }, observedOf(echo)), '');
    assert.equal(complaint({ status: [0] }, observedOf('', { isClosed: true })), '');
    const cut = observedOf('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhe');
    assert.equal(complaint({ cutOff: true }, cut, 'response'), '');
  });

  test('sees a wrong status, a missing answer and an answer other than preferred', () => {
    assert.match(complaint({ status: [400] }, observedOf(echo)), /status 200 instead of 400/);
    assert.match(complaint({ status: [0] }, observedOf('')), /no answer, and an open connection/);
    assert.match(complaint({ status: [200, 400], prefer: 400 }, observedOf(echo)), /instead of 400/);
  });

  test('sees too many responses, bad bytes and an open connection', () => {
    assert.match(complaint({ responses: 1 }, observedOf(echo + echo)), /2 responses instead of 1/);
    assert.match(complaint({}, observedOf(`${echo}garbage\r\n\r\n`)), /malformed status line/);
    assert.match(complaint({ connection: 'close' }, observedOf(echo)), /does not close/);
    assert.match(complaint({ connection: 'close-if-200' }, observedOf(echo)), /does not close/);
    assert.match(complaint({}, observedOf(echo, { isOver: false })), /stays open/);
  });

  test('sees a response that looks whole, and one that is cut off', () => {
    assert.match(complaint({ cutOff: true }, observedOf(echo)), /looks whole/);
    assert.match(
      complaint({}, observedOf('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhe')),
      /a response is cut off/,
    );
  });

  test('sees requests that should not have reached the upstream', () => {
    const upstream = { connections: [], requests: [], incomplete: 1, faults: [], bytes: '' };
    const started = observedOf(echo, { upstream });
    assert.match(complaint({ upstreamSees: 'none' }, observedOf(echo)), /saw 1 requests/);
    assert.match(complaint({ upstreamSees: 'none' }, started), /1 that did not end/);
    assert.match(complaint({ upstreamSees: 'exactly-one-request' }, started), /saw 0 requests/);
    assert.match(complaint({ upstreamSees: 'no-complete-request' }, observedOf(echo)), /saw 1 requests/);
    assert.match(complaint({ upstreamSees: 'two-requests' }, observedOf(echo)), /instead of 2 requests/);
  });

  test('sees another client’s answer, other bodies and forbidden texts', () => {
    assert.match(complaint({}, observedOf(echo.replace(/14.*$/s, '0\r\n\r\n'))), /the answer to , and/);
    const other = echo.replace('GET / HTTP', 'GET /x HTTP');
    assert.match(complaint({}, observedOf(other.replace('14', '15'))), /the answer to GET \/x/);
    assert.match(complaint({ upstreamBodies: ['bye'] }, observedOf(echo)), /bodies \["hello"\]/);
    assert.match(complaint({ upstreamNotContains: ['x-secret'] }, observedOf(echo)), /the upstream got/);
    assert.equal(complaint({ upstreamNotContains: ['cs:x-secret'] }, observedOf(echo)), '');
    assert.match(complaint({ clientContains: ['100 '] }, observedOf(echo)), /the client did not get/);
    const faulty = {
      connections: [],
      requests: [seen],
      incomplete: 0,
      faults: ['malformed host'],
      bytes: '',
    };
    assert.match(complaint({}, observedOf(echo, { upstream: faulty })), /the upstream got malformed host/);
  });
});
