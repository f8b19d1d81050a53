import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequest } from './raw-request.ts';

test('requests are taken one after the other', () => {
  const first = 'POST /a?b=%20 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello';
  const second =
    'PUT /c HTTP/1.1\r\nHost: b\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nt: 1\r\n\r\n';
  const both = Buffer.from(first + second);
  const one = parseRequest(both);
  assert.equal(one?.bytesUsed, first.length);
  assert.deepEqual(
    [one.request.method, one.request.target, one.request.body.toString()],
    ['POST', '/a?b=%20', 'hello'],
  );
  const two = parseRequest(both.subarray(one.bytesUsed))?.request;
  assert.deepEqual([two?.method, two?.body.toString(), two?.trailers], ['PUT', 'x', [['t', '1']]]);
});

test('no cut-off request is taken for a whole one', () => {
  const text = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n';
  for (let end = 0; end < text.length; end += 1)
    assert.equal(parseRequest(Buffer.from(text.slice(0, end))), undefined, `cut at ${end}`);
});

test('what a gateway must not send is an error', () => {
  for (const [text, complaint] of [
    ['GET / HTTP/1.0\r\nhost: a\r\n\r\n', /request line/],
    ['GET http://a/ HTTP/1.1\r\nhost: a\r\n\r\n', /request line/],
    ['GET /a b HTTP/1.1\r\nhost: a\r\n\r\n', /request line/],
    ['GET /%zz HTTP/1.1\r\nhost: a\r\n\r\n', /request line/],
    ['GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n', /request line/],
    ['GET /\xe9 HTTP/1.1\r\nhost: a\r\n\r\n', /request line/],
    ['GET / HTTP/1.1\r\n\r\n', /host/],
    ['GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n', /host/],
    ['GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n', /header line/],
    ['GET / HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n', /header line/],
    ['GET / HTTP/1.1\r\nhost: a\r\nx : a\r\n\r\n', /header line/],
    ['GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n', /framing/],
    ['GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;a\r\nx\r\n', /chunk size/],
  ] as const) {
    assert.throws(() => parseRequest(Buffer.from(text, 'latin1')), complaint, text);
  }
});
