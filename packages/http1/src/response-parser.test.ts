import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';

import { ReadEvent } from './body-reader.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseParser } from './response-parser.ts';
import { chunksOf, readResponse } from './testing/read-all.ts';
import { responseCases } from './testing/response-cases.ts';

const hello = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

describe('responses as bytes', () => {
  for (const { name, bytes, method, asksUpgrade = false, fault, read, leftover = '' } of responseCases) {
    it(`${fault ?? 'reads'}: ${name}`, () => {
      const result = readResponse(chunksOf(bytes), method, { asksUpgrade });
      assert.equal(result.fault, fault);
      const final = result.messages.filter(
        ({ head, isComplete }) => isComplete && (head as ResponseHead).status >= 200,
      );
      if (read === undefined) {
        assert.deepEqual(final, []);
        return;
      }
      const statuses = result.messages.map(({ head }) => String((head as ResponseHead).status));
      assert.deepEqual([statuses, result.leftover], [read, leftover]);
      assert.ok(result.messages.every(({ isComplete }) => isComplete));
    });
  }

  it('have reason, fields and body as sent', () => {
    const [message] = readResponse(
      chunksOf('HTTP/1.1 404 Not  here \r\nA: b\r\nConnection: X-I\r\n\r\nbody'),
    ).messages;
    const head = message!.head as ResponseHead;
    assert.deepEqual([head.status, head.reason, message!.body], [404, 'Not  here ', 'body']);
    assert.deepEqual([head.fields, head.nominated], [['A', 'b', 'Connection', 'X-I'], ['x-i']]);
  });
});

describe('a connection to an upstream', () => {
  it('answers one request after the other', () => {
    const parser = new ResponseParser();
    for (let round = 0; round < 3; round += 1) {
      parser.begin('GET');
      const bytes = Buffer.from(hello);
      assert.equal(parser.read(bytes, 0), ReadEvent.head);
      assert.equal(parser.read(bytes, parser.consumedTo), ReadEvent.chunk);
      assert.equal(parser.read(bytes, parser.consumedTo), ReadEvent.end);
      assert.equal(parser.finish(), ReadEvent.more);
    }
  });

  it('is in doubt when bytes come that nobody asked for', () => {
    const parser = new ResponseParser();
    assert.equal(parser.read(Buffer.alloc(0), 0), ReadEvent.more);
    assert.equal(parser.read(Buffer.from(hello), 0), ReadEvent.fault);
    assert.equal(parser.fault?.detail, 'Bytes arrived that belong to no message.');
  });

  it('has one request at a time, and no tunnel', () => {
    const parser = new ResponseParser();
    assert.throws(() => parser.begin('CONNECT'), { name: 'AssertionError' });
    parser.begin('GET');
    assert.throws(() => parser.begin('GET'), { name: 'AssertionError' });
  });
});
