import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerValues } from './raw-message.ts';
import { parseResponse, type RawResponse } from './raw-response.ts';

function parse(text: string, options = {}): RawResponse {
  const parsed = parseResponse(Buffer.from(text, 'latin1'), options);
  assert.ok(parsed);
  assert.equal(parsed.bytesUsed, text.length);
  return parsed.response;
}

test('a response with a length keeps its header lines in order and as written', () => {
  const response = parse('HTTP/1.1 200 All Right\r\nX-A: 1\r\nx-a:2 \r\ncontent-length: 2\r\n\r\nok');
  assert.equal(response.reason, 'All Right');
  assert.deepEqual(response.headers.slice(0, 2), [
    ['X-A', '1'],
    ['x-a', '2'],
  ]);
  assert.deepEqual(headerValues(response, 'x-A'), ['1', '2']);
  assert.equal(response.body.toString(), 'ok');
});

test('chunks are joined, and trailers are apart from headers', () => {
  const response = parse(
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n',
  );
  assert.equal(response.body.toString(), 'abc0123456789');
  assert.deepEqual(response.trailers, [['x-sum', '1']]);
});

test('no cut-off response is taken for a whole one, wherever the cut is', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n',
  ]) {
    for (let end = 0; end < text.length; end += 1) {
      assert.equal(
        parseResponse(Buffer.from(text.slice(0, end)), { ended: true }),
        undefined,
        `cut at ${end}`,
      );
    }
    parse(text);
  }
});

test('a body without framing lasts until the connection ends', () => {
  const text = 'HTTP/1.0 200 OK\r\n\r\nto the end';
  assert.equal(parseResponse(Buffer.from(text)), undefined);
  const response = parse(text, { ended: true });
  assert.equal(response.body.toString(), 'to the end');
  assert.equal(response.untilClose, true);
});

test('answers that never have a body take none of the bytes behind them', () => {
  const next = 'HTTP/1.1 200 OK\r\n';
  for (const [first, options] of [
    ['HTTP/1.1 100 Continue\r\n\r\n', {}],
    ['HTTP/1.1 204 No Content\r\n\r\n', {}],
    ['HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n', {}],
    ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', { head: true }],
  ] as const) {
    assert.equal(parseResponse(Buffer.from(first + next), options)?.bytesUsed, first.length);
  }
});

test('what a proxy must not send is an error', () => {
  for (const [text, complaint] of [
    ['HTTP/2.0 200 OK\r\n\r\n', /status line/],
    ['HTTP/1.1 099 X\r\n\r\n', /status line/],
    ['HTTP/1.1 200 OK\r\nx : 1\r\n\r\n', /header line/],
    ['HTTP/1.1 200 OK\r\n folded\r\n\r\n', /header line/],
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n', /framing/],
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx', /content-length/],
    ['HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\nx', /content-length/],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n', /transfer-encoding/],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\n', /chunk size/],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n', /chunk/],
    ['x'.repeat(64 * 1024 + 1), /no end of the head/],
  ] as const) {
    assert.throws(() => parseResponse(Buffer.from(text)), complaint, text.slice(0, 80));
  }
});
