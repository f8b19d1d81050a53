/** How the bytes are cut into chunks must not change what they mean. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { ReadEvent } from './body-reader.ts';
import { RequestParser } from './request-parser.ts';
import { chunksOf, readRequests, readResponse } from './testing/read-all.ts';
import { requestCases } from './testing/request-cases.ts';
import { responseCases } from './testing/response-cases.ts';

/** Longer ones are cut at random places only. */
const bytesCutEverywhereMax = 600;

const everyByte = (text: string): number[] => Array.from(text, (_, index) => index);

describe('chunks', () => {
  it('may end anywhere in a request', () => {
    for (const { name, bytes } of requestCases) {
      const whole = readRequests(chunksOf(bytes));
      const cuts = bytes.length <= bytesCutEverywhereMax ? everyByte(bytes) : [1, bytes.length - 1];
      for (const cut of cuts)
        assert.deepEqual(readRequests(chunksOf(bytes, [cut])), whole, `${name} at ${cut}`);
      assert.deepEqual(readRequests(chunksOf(bytes, everyByte(bytes))), whole, `${name} byte by byte`);
    }
  });

  it('may end anywhere in a response', () => {
    for (const { name, bytes, method, asksUpgrade = false } of responseCases) {
      const read = (cuts: readonly number[]): unknown =>
        readResponse(chunksOf(bytes, cuts), method, { asksUpgrade });
      const whole = read([]);
      const cuts = bytes.length <= bytesCutEverywhereMax ? everyByte(bytes) : [1, bytes.length - 1];
      for (const cut of cuts) assert.deepEqual(read([cut]), whole, `${name} at ${cut}`);
      if (bytes.length <= 5000) assert.deepEqual(read(everyByte(bytes)), whole, `${name} byte by byte`);
    }
  });

  it('may end in many places of pipelined requests, with connections taking turns', () => {
    const good = requestCases.filter(({ fault, bytes }) => fault === undefined && bytes.includes('HTTP'));
    const streams = fc.array(fc.constantFrom(...good), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(streams, fc.array(fc.nat(2000), { maxLength: 8 }), (cases, places) => {
        const text = cases.map(({ bytes }) => bytes).join('');
        const cuts = places.map((place) => place % text.length).toSorted((a, b) => a - b);
        const whole = readRequests(chunksOf(text));
        assert.deepEqual(readRequests(chunksOf(text, cuts)), whole);
        assert.equal(whole.fault, undefined);
      }),
      { numRuns: 300 },
    );
  });

  it('of several connections do not mix', () => {
    const texts = Array.from(
      { length: 40 },
      (_, index) =>
        `GET /${index} HTTP/1.1\r\nHost: h${index}\r\n${`A${index}: v${index}\r\n`.repeat(index)}\r\n`,
    );
    const parsers = texts.map(() => new RequestParser());
    const longest = Math.max(...texts.map(({ length }) => length));
    for (let at = 0; at < longest; at += 7) {
      for (const [index, parser] of parsers.entries()) {
        const part = Buffer.from(texts[index]!.slice(at, at + 7));
        if (part.length > 0) assert.notEqual(parser.read(part, 0), ReadEvent.fault);
      }
    }
    for (const [index, { head }] of parsers.entries()) {
      assert.deepEqual([head?.target, head?.host, head?.names.length], [`/${index}`, `h${index}`, index + 1]);
      assert.ok(head?.fields.slice(2).every((text) => text === `A${index}` || text === `v${index}`));
    }
  });
});

describe('memory', () => {
  it('of a head that trickles in is bounded, and so is the work', () => {
    const parsers = Array.from({ length: 200 }, () => new RequestParser());
    const start = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nX: ');
    const more = Buffer.alloc(100, 'a');
    const before = process.memoryUsage().arrayBuffers;
    for (const parser of parsers) parser.read(start, 0);
    for (let round = 0; round < 300; round += 1) for (const parser of parsers) parser.read(more, 0);
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 200 * 2 * 32_768 + 8_388_608, `${grown} bytes`);
    for (let round = 0; round < 300; round += 1) for (const parser of parsers) parser.read(more, 0);
    assert.ok(parsers.every(({ fault }) => fault?.code === 'head_too_large'));
  });

  it('of a body is none, however many chunks it has', () => {
    const parser = new RequestParser();
    parser.read(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'), 0);
    const chunk = Buffer.from('1\r\nx\r\n'.repeat(1000));
    const before = process.memoryUsage().heapUsed;
    let count = 0;
    for (let round = 0; round < 1000; round += 1) {
      let event: ReadEvent = parser.read(chunk, 0);
      for (; event === ReadEvent.chunk; event = parser.read(chunk, parser.consumedTo)) count += 1;
      assert.equal(event, ReadEvent.more);
    }
    assert.equal(count, 1_000_000);
    assert.ok(process.memoryUsage().heapUsed - before < 134_217_728);
  });
});
