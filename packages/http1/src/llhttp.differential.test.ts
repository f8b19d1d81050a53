/**
 * Whatever this parser accepts, llhttp accepts, with the same meaning: two parsers that differ are what request smuggling needs. The
 * other way round there are many differences, all of them refusals of ours.
 */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { RequestHead } from './request-head.ts';
import { shouldClose } from './should-close.ts';
import { LlhttpReader, llhttpMethods, type SeenMessage } from './testing/llhttp.ts';
import { mutate } from './testing/mutate.ts';
import { chunksOf, type ReadMessage, readRequests, readResponse } from './testing/read-all.ts';
import { type ByteCase, requestCases } from './testing/request-cases.ts';
import { responseCases } from './testing/response-cases.ts';

/** `npm run test:soak` sets it. */
const fuzzSeconds = Number(process.env['CAUSEWAY_TEST_FUZZ_SECONDS'] ?? 4);

interface Meaning {
  readonly start: string;
  readonly target: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Of requests. */
  readonly keepsAlive: boolean | undefined;
}

function ourMeaning({ head, body, trailers }: ReadMessage): Meaning {
  const rest = { fields: head.fields, body, trailers };
  if (head instanceof RequestHead)
    return { start: head.method, target: head.target, ...rest, keepsAlive: !shouldClose(head) };
  return { start: String(head.status), target: '', ...rest, keepsAlive: undefined };
}

function theirMeaning({ start, target, fields, parts, trailers, keepsAlive }: SeenMessage): Meaning {
  const body = Buffer.concat(parts).toString('latin1');
  const isRequest = !/^\d/.test(start);
  return { start, target, fields, body, trailers, keepsAlive: isRequest ? keepsAlive : undefined };
}

/** Differences that are known and do not move the end of a message. */
function isExempt({ head }: ReadMessage): boolean {
  // llhttp takes registered methods only, and what follows CONNECT is no HTTP to it.
  if (head instanceof RequestHead) return !llhttpMethods.has(head.method) || head.method === 'CONNECT';
  // An informational response that says close ends the connection for llhttp, though the final one has not come.
  return head.status < 200 && shouldClose(head);
}

/** llhttp refuses a coding that HTAB follows, though it is a blank like any other (RFC 9110 section 5.6.3). */
const codingBeforeTab = /^transfer-encoding:[^\r]*\t *\r/im;

/** The complete messages of both; of what ours refuses further on llhttp may make what it wants. */
function compareRequests(text: string): void {
  const ours = readRequests(chunksOf(text));
  const complete = ours.messages.filter(({ isComplete }) => isComplete);
  if (complete.length === 0 || ours.messages.some(isExempt) || codingBeforeTab.test(text)) return;
  const theirs = new LlhttpReader('request');
  const fault = theirs.execute(Buffer.from(text.slice(0, text.length - ours.leftover.length), 'latin1'));
  const seen = theirs.messages.filter(({ isComplete }) => isComplete);
  if (ours.fault === undefined) {
    assert.equal(fault, undefined, JSON.stringify(text));
    assert.equal(theirs.messages.length, complete.length, JSON.stringify(text));
  }
  const common = seen.slice(0, complete.length);
  assert.deepEqual(common.map(theirMeaning), complete.map(ourMeaning), JSON.stringify(text));
}

function compareResponse(text: string, method: string): void {
  const ours = readResponse(chunksOf(text), method);
  if (ours.fault !== undefined || ours.messages.length === 0 || ours.messages.some(isExempt)) return;
  if (codingBeforeTab.test(text)) return;
  const theirs = new LlhttpReader('response', method === 'HEAD');
  const wanted = text.slice(0, text.length - ours.leftover.length);
  const fault = theirs.execute(Buffer.from(wanted, 'latin1')) ?? theirs.finish();
  assert.equal(fault, undefined, JSON.stringify(text));
  assert.deepEqual(theirs.messages.map(theirMeaning), ours.messages.map(ourMeaning), JSON.stringify(text));
}

const mutations = fc.array(fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff)), {
  minLength: 1,
  maxLength: 4,
});
/** Mostly what is well-formed before it is spoilt: only what is accepted is compared. */
function textsOf(cases: readonly ByteCase[]): fc.Arbitrary<string> {
  const short = cases.filter(({ bytes }) => bytes.length < 2000);
  const good = short.filter(({ fault }) => fault === undefined);
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...good.map(({ bytes }) => bytes)) },
    { weight: 1, arbitrary: fc.constantFrom(...short.map(({ bytes }) => bytes)) },
  );
}

function mutated(text: string, changes: readonly (readonly [number, number])[]): string {
  return changes.reduce((result, [kind, place]) => mutate(result, kind, place), text);
}

describe('llhttp', () => {
  it('understands our corpus of requests as we do', () => {
    for (const { bytes } of requestCases) compareRequests(bytes);
  });

  it('understands our corpus of responses as we do', () => {
    for (const { bytes, method = 'GET' } of responseCases) compareResponse(bytes, method);
  });

  it('takes every mutated request that we take, and reads the same', () => {
    const streams = fc.array(textsOf(requestCases), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(streams, mutations, (parts, changes) => compareRequests(mutated(parts.join(''), changes))),
      { numRuns: Infinity, interruptAfterTimeLimit: fuzzSeconds * 500, markInterruptAsFailure: false },
    );
  });

  it('takes every mutated response that we take, and reads the same', () => {
    fc.assert(
      fc.property(
        textsOf(responseCases),
        mutations,
        fc.constantFrom('GET', 'HEAD'),
        (text, changes, method) => compareResponse(mutated(text, changes), method),
      ),
      { numRuns: Infinity, interruptAfterTimeLimit: fuzzSeconds * 500, markInterruptAsFailure: false },
    );
  });
});
