import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';

import { ReadEvent } from './body-reader.ts';
import { defaultLimits } from './limits.ts';
import { BodyLength, HeadFact } from './message-head.ts';
import type { RequestHead } from './request-head.ts';
import { RequestParser } from './request-parser.ts';
import { TargetForm } from './request-target.ts';
import { shouldClose } from './should-close.ts';
import { chunksOf, readRequests } from './testing/read-all.ts';
import { requestCases } from './testing/request-cases.ts';

const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

function headOf(text: string): RequestHead {
  const { messages, fault } = readRequests(chunksOf(text));
  assert.equal(fault, undefined);
  return messages[0]!.head as RequestHead;
}

describe('requests as bytes', () => {
  for (const { name, bytes, fault, read } of requestCases) {
    it(`${fault ?? 'reads'}: ${name}`, () => {
      const result = readRequests(chunksOf(bytes));
      assert.equal(result.fault, fault);
      if (read === undefined) assert.ok(!result.messages.some(({ isComplete }) => isComplete));
      else
        assert.deepEqual(
          result.messages.map(({ head }) => (head as RequestHead).target),
          read,
        );
    });
  }

  it('refuses at the byte that is wrong, without waiting for the rest', () => {
    for (const start of [
      'GET /\r',
      'get',
      'GET / HTTP/2.0\r\n',
      'GET / HTTP/1.1\r\nA :',
      'GET / HTTP/1.1\r\nA: b\r\n ',
    ]) {
      assert.equal(new RequestParser().read(Buffer.from(start), 0), ReadEvent.fault, start);
    }
  });

  it('reads nothing after a fault', () => {
    const parser = new RequestParser();
    const bytes = Buffer.from(`BAD LINE\r\n\r\n${get('')}`);
    assert.equal(parser.read(bytes, 0), ReadEvent.fault);
    assert.equal(parser.read(Buffer.from(get('')), 0), ReadEvent.fault);
  });
});

describe('what a request says', () => {
  it('has its fields as sent, with blanks around the values cut off', () => {
    const head = headOf(get('X-Odd:\t a  b \t\r\nACCEPT:\r\n'));
    assert.deepEqual(head.fields, ['Host', 'a', 'X-Odd', 'a  b', 'ACCEPT', '']);
    assert.deepEqual(head.names, ['host', 'x-odd', 'accept']);
    assert.deepEqual(
      [head.valueOf('x-odd'), head.valueOf('accept'), head.valueOf('b')],
      ['a  b', '', undefined],
    );
  });

  it('has facts on connection, expectation and upgrade', () => {
    const facts = (fields: string): number => headOf(get(fields)).facts;
    assert.equal(facts(''), 0);
    assert.equal(facts('Connection: close\r\n'), HeadFact.close);
    assert.equal(facts('Connection: keep-alive\r\n'), HeadFact.keepAlive);
    assert.equal(
      facts('Connection: x,  CLOSE ,\tKeep-Alive\r\n'),
      HeadFact.close | HeadFact.keepAlive | HeadFact.nominates,
    );
    assert.equal(
      facts('Connection: Upgrade\r\nUpgrade: websocket\r\n'),
      HeadFact.connectionUpgrade | HeadFact.upgrade,
    );
    assert.equal(facts('Expect: 100-Continue\r\n'), HeadFact.expectsContinue);
    assert.equal(facts('Expect: 200-maybe\r\n'), HeadFact.expectsOther);
    assert.deepEqual(headOf(get('Connection: X-A, close\r\nConnection: X-B, a b, ,\r\n')).nominated, [
      'x-a',
      'x-b',
    ]);
  });

  it('expects nothing in HTTP/1.0, whatever it says', () => {
    assert.equal(headOf('GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n').facts, 0);
  });

  it('knows how long the body is', () => {
    const lengthOf = (fields: string): number => {
      const parser = new RequestParser();
      assert.equal(parser.read(Buffer.from(get(fields)), 0), ReadEvent.head);
      return parser.head!.bodyLength;
    };
    assert.equal(lengthOf(''), 0);
    assert.equal(lengthOf('Content-Length: 9007199254740991\r\n'), Number.MAX_SAFE_INTEGER);
    assert.equal(lengthOf('Transfer-Encoding: chunked\r\n'), BodyLength.chunked);
  });

  it('knows the form of the target', () => {
    const form = (line: string): unknown[] => {
      const { targetForm, pathStart, targetAuthority, targetScheme } = headOf(`${line}\r\nHost: a\r\n\r\n`);
      return [targetForm, pathStart, targetAuthority, targetScheme];
    };
    assert.deepEqual(form('GET /x HTTP/1.1'), [TargetForm.origin, 0, undefined, undefined]);
    assert.deepEqual(form('GET https://A:443/x HTTP/1.1'), [TargetForm.absolute, 13, 'A:443', 'https']);
    assert.deepEqual(form('GET http://a?x HTTP/1.1'), [TargetForm.absolute, 8, 'a', 'http']);
    assert.deepEqual(form('OPTIONS * HTTP/1.1'), [TargetForm.asterisk, 1, undefined, undefined]);
    assert.deepEqual(form('CONNECT a:1 HTTP/1.1'), [TargetForm.authority, 3, 'a:1', undefined]);
  });

  it('closes by version and Connection', () => {
    const closes = (version: string, fields: string): boolean =>
      shouldClose(headOf(`GET / HTTP/${version}\r\nHost: a\r\n${fields}\r\n`));
    assert.equal(closes('1.1', ''), false);
    assert.equal(closes('1.1', 'Connection: foo, Close\r\n'), true);
    assert.equal(closes('1.1', 'Connection: keep-alive\r\nConnection: close\r\n'), true);
    assert.equal(closes('1.0', ''), true);
    assert.equal(closes('1.0', 'Connection: Keep-Alive\r\n'), false);
    assert.equal(closes('1.0', 'Connection: keep-alive, close\r\n'), true);
  });
});

describe('limits of requests', () => {
  const faultOf = (text: string, limits: object): string | undefined =>
    readRequests(chunksOf(text), { ...defaultLimits, ...limits }).fault;

  it('bounds the head by its bytes', () => {
    const head = get('A: 12345\r\n');
    assert.equal(faultOf(head, { headBytesMax: head.length }), undefined);
    assert.equal(faultOf(`\r\n\r\n${head}`, { headBytesMax: head.length }), undefined);
    assert.equal(faultOf(head, { headBytesMax: head.length - 1 }), 'head_too_large');
    for (const size of [65_536, 1_000_000]) {
      assert.equal(faultOf(get(`A: ${'a'.repeat(size)}\r\n`), {}), 'head_too_large');
      assert.equal(faultOf(get(`${'a'.repeat(size)}: 1\r\n`), {}), 'head_too_large');
    }
  });

  it('bounds the number of fields', () => {
    assert.equal(faultOf(get('A: 1\r\nA: 1\r\n'), { fieldsMax: 3 }), undefined);
    assert.equal(faultOf(get('A: 1\r\nA: 1\r\nA: 1\r\n'), { fieldsMax: 3 }), 'too_many_fields');
    assert.equal(faultOf(get('A: 1\r\n'.repeat(500)), { fieldsMax: 501 }), undefined);
  });

  it('bounds the target', () => {
    const line = 'GET /1234567 HTTP/1.1\r\nHost: a\r\n\r\n';
    assert.equal(faultOf(line, { targetBytesMax: 8 }), undefined);
    assert.equal(faultOf(line, { targetBytesMax: 7 }), 'target_too_long');
    assert.equal(faultOf(`GET /${'a'.repeat(100)}`, { headBytesMax: 50 }), 'target_too_long');
  });

  it('bounds trailers by bytes and number, and extensions', () => {
    const body = (rest: string): string =>
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${rest}`;
    const trailers = 'A: 1\r\nB: 2\r\n\r\n';
    assert.equal(
      faultOf(body(`0\r\n${trailers}`), { trailerBytesMax: trailers.length, fieldsMax: 2 }),
      undefined,
    );
    assert.equal(
      faultOf(body(`0\r\n${trailers}`), { trailerBytesMax: trailers.length - 1 }),
      'head_too_large',
    );
    assert.equal(faultOf(body('0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n'), { fieldsMax: 2 }), 'too_many_fields');
    // The line end of an extension is counted with it.
    assert.equal(faultOf(body('0;abc\r\n\r\n'), { extensionBytesMax: 4 }), undefined);
    assert.equal(faultOf(body('0;abc\r\n\r\n'), { extensionBytesMax: 3 }), 'malformed');
  });
});

describe('bodies of requests', () => {
  it('come in slices of the chunks, and stop where the message does', () => {
    const parser = new RequestParser();
    const bytes = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n');
    assert.equal(parser.read(bytes, 0), ReadEvent.head);
    assert.equal(parser.read(bytes, parser.consumedTo), ReadEvent.chunk);
    assert.equal(parser.chunk.buffer, bytes.buffer);
    assert.equal(parser.chunk.toString(), 'abc');
    assert.equal(parser.read(bytes, parser.consumedTo), ReadEvent.end);
    assert.equal(bytes.toString('latin1', parser.consumedTo), 'GET / HTTP/1.1\r\n');
    assert.equal(parser.isWithinRequest, false);
  });

  it('are the chunk itself where it holds nothing else', () => {
    const parser = new RequestParser();
    parser.read(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n'), 0);
    const chunk = Buffer.from('abc');
    assert.equal(parser.read(chunk, 0), ReadEvent.chunk);
    assert.equal(parser.chunk, chunk);
  });

  it('hand over their trailers', () => {
    const text =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b \r\nCookie: c\r\n\r\n';
    const [message] = readRequests(chunksOf(text)).messages;
    assert.deepEqual([message?.body, message?.trailers], ['x', ['A', 'b', 'Cookie', 'c']]);
  });
});
