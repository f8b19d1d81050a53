import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { BodyLength } from './message-head.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import { readRequests, readResponse } from './testing/read-all.ts';
import { chunkEnd, chunkStart, lastChunk, wholeChunk } from './write-chunk.ts';
import { writeRequestHead, writeResponseHead } from './write-head.ts';

const refuses = (write: () => unknown): void => assert.throws(write, { name: 'AssertionError' });

const fieldName = fc
  .stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,50}$/)
  .filter((name) => !/^(content-length|transfer-encoding|connection|host|expect)$/i.test(name));
const fieldValue = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t\x20-~\x80-\xff]{0,30}[!-~\x80-\xff])?)?$/);
const fieldList = fc.array(fc.tuple(fieldName, fieldValue), { maxLength: 12 }).map((pairs) => pairs.flat());
const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 4 });

describe('heads', () => {
  it('are written as they are', () => {
    assert.equal(
      writeRequestHead('POST', '/a?b', ['Host', 'a', 'X', ''], 5, 'keep-alive').toString('latin1'),
      'POST /a?b HTTP/1.1\r\nHost: a\r\nX: \r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\n',
    );
    assert.equal(
      writeResponseHead(200, '', ['A', '\xe9\t'], BodyLength.chunked, '').toString('latin1'),
      'HTTP/1.1 200 \r\nA: \xe9\t\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    assert.equal(writeResponseHead(204, 'No', [], undefined, '').toString(), 'HTTP/1.1 204 No\r\n\r\n');
    assert.equal(
      writeResponseHead(200, 'OK', [], BodyLength.untilClose, 'close').toString(),
      'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n',
    );
    assert.match(writeResponseHead(200, 'OK', [], 0, '').toString(), /\r\ncontent-length: 0\r\n/);
  });

  it('let no value out of its line', () => {
    for (const bad of ['\r\nEvil: 1', '\n', '\r', '\0', 'a\x01', '\x7f', '\u010d\u010a', '\u010a']) {
      refuses(() => writeRequestHead('GET', '/', ['A', bad], undefined, ''));
      refuses(() => writeRequestHead('GET', `/${bad}`, [], undefined, ''));
      refuses(() => writeRequestHead(`GET${bad}`, '/', [], undefined, ''));
      refuses(() => writeRequestHead('GET', '/', [`A${bad}`, ''], undefined, ''));
      refuses(() => writeRequestHead('GET', '/', [], undefined, `close${bad}`));
      refuses(() => writeResponseHead(200, bad, [], undefined, ''));
      refuses(() => lastChunk(['A', bad]));
      refuses(() => lastChunk([`A${bad}`, '']));
    }
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
    ]) {
      for (let time = 0; time < 2; time += 1) {
        refuses(() => writeRequestHead('GET', '/', [name, '1'], 5, ''));
        refuses(() => writeResponseHead(200, 'OK', [name, '1'], 5, ''));
        refuses(() => lastChunk([name, '1']));
      }
    }
    refuses(() => writeRequestHead('POST', '/', [], BodyLength.untilClose, ''));
    for (const length of [1.5, -3, NaN, 2 ** 53])
      refuses(() => writeRequestHead('POST', '/', [], length, ''));
    for (const status of [100, 101, 204]) refuses(() => writeResponseHead(status, '', [], 0, ''));
    for (const status of [99, 600, 200.5]) refuses(() => writeResponseHead(status, '', [], undefined, ''));
  });

  it('are read as they were written, with their bodies', () => {
    fc.assert(
      fc.property(fieldList, bodies, fieldList, fc.boolean(), (fields, parts, trailers, isChunked) => {
        const bytes = parts.reduce((sum, { length }) => sum + length, 0);
        const length = isChunked ? BodyLength.chunked : bytes;
        const body = isChunked ? [...parts.map(wholeChunk), lastChunk(trailers)] : parts;
        const head = writeRequestHead('PUT', '/x', ['host', 'a', ...fields], length, '');
        const request = readRequests([head, ...body.map((part) => Buffer.from(part))]);
        assert.equal(request.fault, undefined);
        const message = request.messages[0]!;
        assert.deepEqual(message.head.fields.slice(0, fields.length + 2), ['host', 'a', ...fields]);
        assert.equal(message.body, Buffer.concat(parts).toString('latin1'));
        assert.deepEqual(message.trailers, isChunked ? trailers : []);
        assert.equal((message.head as RequestHead).target, '/x');
        const response = readResponse([
          Buffer.concat([writeResponseHead(207, 'Ok', fields, length, ''), ...body]),
        ]);
        assert.equal(response.fault, undefined);
        assert.equal(response.messages[0]!.body, message.body);
        assert.equal((response.messages[0]!.head as ResponseHead).reason, 'Ok');
      }),
      { numRuns: 500 },
    );
  });
});

describe('chunks', () => {
  it('have their size in front', () => {
    assert.equal(chunkStart(255) + chunkEnd, 'ff\r\n\r\n');
    assert.equal(wholeChunk(Buffer.from('hello world')).toString(), 'b\r\nhello world\r\n');
    assert.equal(lastChunk([]).toString(), '0\r\n\r\n');
    assert.equal(lastChunk(['A', 'b']).toString(), '0\r\nA: b\r\n\r\n');
  });

  it('are never empty by accident', () => {
    assert.throws(() => chunkStart(0), RangeError);
    assert.throws(() => wholeChunk(Buffer.alloc(0)), RangeError);
  });
});
