import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { BodyLength } from './message-head.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import { readRequests, readResponse } from './testing/read-all.ts';
import { chunkEnd, chunkStart, lastChunk } from './write-chunk.ts';
import { checkField, requestHeadText, responseHeadText } from './write-head.ts';

const refuses = (write: () => unknown): void => assert.throws(write, { name: 'AssertionError' });

const fieldName = fc
  .stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,50}$/)
  .filter((name) => !/^(content-length|transfer-encoding|connection|host|expect)$/i.test(name));
const fieldValue = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t\x20-~\x80-\xff]{0,30}[!-~\x80-\xff])?)?$/);
const fieldList = fc.array(fc.tuple(fieldName, fieldValue), { maxLength: 12 }).map((pairs) => pairs.flat());
const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 4 });

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const chunkOf = (data: Uint8Array): Buffer =>
  Buffer.concat([bytesOf(chunkStart(data.length)), data, bytesOf(chunkEnd)]);

describe('heads', () => {
  it('are written as they are', () => {
    assert.equal(
      requestHeadText('POST', '/a?b', ['Host', 'a', 'X', ''], 5),
      'POST /a?b HTTP/1.1\r\nHost: a\r\nX: \r\ncontent-length: 5\r\n\r\n',
    );
    assert.equal(requestHeadText('GET', '/', [], undefined), 'GET / HTTP/1.1\r\n\r\n');
    assert.equal(
      responseHeadText(299, ['A', '\xe9\t'], BodyLength.chunked, false),
      'HTTP/1.1 299 \r\nA: \xe9\t\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    assert.equal(responseHeadText(204, [], undefined, false), 'HTTP/1.1 204 No Content\r\n\r\n');
    assert.equal(
      responseHeadText(200, [], BodyLength.untilClose, true),
      'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n',
    );
    assert.match(responseHeadText(200, [], 0, false), /\r\ncontent-length: 0\r\n/);
  });

  it('take no value that would end its line', () => {
    for (const bad of ['\r\nEvil: 1', '\n', '\r', '\0', 'a\x01', '\x7f', '\u010d\u010a', '\u010a']) {
      refuses(() => checkField('A', bad));
      refuses(() => checkField(`A${bad}`, ''));
    }
    for (const bad of [undefined, 1, Symbol('a'), ['a']]) {
      refuses(() => checkField('A', bad as never));
      refuses(() => checkField(bad as never, 'a'));
    }
    checkField('x-any', 'value \t\xff');
  });

  it('have no framing but their own', () => {
    for (const name of [
      'Content-Length',
      'TRANSFER-ENCODING',
      'connection',
      '',
      'A B',
      'A:',
      'Content-Length: 5\t',
    ])
      refuses(() => checkField(name, '1'));
    refuses(() => requestHeadText('POST', '/', [], BodyLength.untilClose));
    for (const length of [1.5, -3, NaN, 2 ** 53]) refuses(() => requestHeadText('POST', '/', [], length));
    for (const status of [100, 101, 204]) refuses(() => responseHeadText(status, [], 0, false));
    for (const status of [99, 600, 200.5]) refuses(() => responseHeadText(status, [], undefined, false));
  });

  it('are read as they were written, with their bodies', () => {
    fc.assert(
      fc.property(fieldList, bodies, fc.boolean(), (fields, parts, isChunked) => {
        const bytes = parts.reduce((sum, { length }) => sum + length, 0);
        const length = isChunked ? BodyLength.chunked : bytes;
        const body = isChunked ? [...parts.map(chunkOf), bytesOf(lastChunk)] : parts;
        const head = requestHeadText('PUT', '/x', ['host', 'a', ...fields], length);
        const request = readRequests([bytesOf(head), ...body.map((part) => Buffer.from(part))]);
        assert.equal(request.fault, undefined);
        const message = request.messages[0]!;
        assert.deepEqual(message.head.fields.slice(0, fields.length + 2), ['host', 'a', ...fields]);
        assert.equal(message.body, Buffer.concat(parts).toString('latin1'));
        assert.equal((message.head as RequestHead).target, '/x');
        const response = readResponse([
          Buffer.concat([bytesOf(responseHeadText(207, fields, length, false)), ...body]),
        ]);
        assert.equal(response.fault, undefined);
        assert.equal(response.messages[0]!.body, message.body);
        assert.equal((response.messages[0]!.head as ResponseHead).reason, 'Multi-Status');
      }),
      { numRuns: 500 },
    );
  });
});

describe('chunks', () => {
  it('have their size in front', () => {
    assert.equal(chunkStart(255) + chunkEnd, 'ff\r\n\r\n');
    assert.equal(chunkOf(Buffer.from('hello world')).toString(), 'b\r\nhello world\r\n');
  });

  it('are never empty by accident', () => {
    assert.throws(() => chunkStart(0), RangeError);
  });
});
