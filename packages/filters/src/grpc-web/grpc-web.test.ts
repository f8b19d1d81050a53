import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FilterChain } from '../filter-chain.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { createGrpcWebFilter } from './grpc-web.ts';

/** Bytes of a frame, one character each. */
const frame = (flags: number, text: string): string =>
  String.fromCharCode(flags, 0, 0, text.length >> 8, text.length & 255) + text;
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

class Exchange extends FakeOwner {
  sent = '';
  received = '';

  override forwardRequestChunk(chunk: Uint8Array): void {
    this.sent += Buffer.from(chunk).toString('latin1');
  }

  override forwardResponseChunk(chunk: Uint8Array): void {
    this.received += Buffer.from(chunk).toString('latin1');
  }
}

/** Runs a request of that type, its body in these pieces. */
function request(type: string, pieces: readonly string[] = [], change: Partial<Exchange> = {}): Exchange {
  const exchange = new Exchange(new FilterChain([createGrpcWebFilter('grpcWeb')]));
  Object.assign(exchange, { method: 'POST', upstreamFields: ['content-type', type] }, change);
  exchange.headers.set('content-type', type);
  exchange.chain.requestHead(exchange);
  for (const piece of pieces) exchange.requestPass?.write(Buffer.from(piece, 'latin1'));
  exchange.requestPass?.end();
  return exchange;
}

/** Answers it. */
function respond(
  exchange: Exchange,
  status: number,
  fields: string[],
  pieces: readonly string[] = [],
  trailers?: readonly string[],
): Exchange {
  Object.assign(exchange, { responseStatus: status, responseFields: fields, responseTrailers: trailers });
  exchange.chain.responseHead(exchange);
  for (const piece of pieces) exchange.responsePass?.write(Buffer.from(piece, 'latin1'));
  exchange.responsePass?.end();
  return exchange;
}

const hello = frame(0, 'hello');
const compressed = frame(1, 'xyz');
const ok = ['grpc-status', '0', 'X-Trailer', 'end'];
const okFrame = frame(0x80, 'grpc-status: 0\r\nx-trailer: end\r\n');
const isGrpc = ['content-type', 'application/grpc'];

describe('grpcWeb', () => {
  it('leaves alone what is no gRPC-Web', () => {
    for (const type of ['application/grpc', 'application/json']) {
      const exchange = respond(request(type, [], { method: 'GET' }), 502, [...isGrpc]);
      assert.equal(exchange.translation, undefined);
      assert.deepEqual(exchange.upstreamFields, ['content-type', type]);
      assert.deepEqual([exchange.responseStatus, exchange.responseFields], [502, isGrpc]);
      assert.equal(exchange.requestPass ?? exchange.responsePass, undefined);
    }
  });

  it('makes a call by gRPC of it, with the metadata of the client', () => {
    const metadata = ['x-grpc-web', '1', 'grpc-timeout', '1S', 'a-bin', 'AA'];
    const type = 'application/grpc-web+proto';
    const upstreamFields = ['content-type', type, 'accept', '*/*', 'accept-encoding', 'gzip', ...metadata];
    const exchange = request(type, [hello + compressed], { upstreamFields });
    assert.deepEqual(exchange.upstreamFields, [...metadata, 'content-type', 'application/grpc+proto']);
    assert.ok(exchange.translation);
    assert.equal(exchange.requestPass?.changesBody, false);
    assert.equal(exchange.sent, hello + compressed);
  });

  it('reads text in segments, cut anywhere', () => {
    const text = base64(hello.slice(0, 4)) + base64(hello.slice(4)) + base64(compressed);
    const exchange = request('application/grpc-web-text', Array.from(text));
    assert.equal(exchange.sent, hello + compressed);
    assert.equal(exchange.upstreamFields[1], 'application/grpc');
  });

  const bad: [what: string, type: string, body: string][] = [
    ['no base64', '-text', 'AAAA!AAA'],
    ['half a quantum', '-text', `${base64(hello)}AA`],
    ['half a message', '', hello.slice(0, -1)],
    ['half a prefix', '', hello + hello.slice(0, 3)],
    ['half a message of text', '-text', base64(hello.slice(0, -1))],
    ['trailers', '', hello + okFrame],
    ['trailers in text', '-text', base64(okFrame)],
  ];
  for (const [what, type, body] of bad)
    it(`refuses a body with ${what}`, () => {
      const exchange = request(`application/grpc-web${type}`, [body]);
      assert.deepEqual(exchange.refusals, ['grpcWeb bad_request']);
      assert.equal(exchange.log.at(-1), 'body failed');
      assert.equal(exchange.errors.length, 0);
    });

  it('refuses other methods', () => {
    const exchange = request('application/grpc-web', [], { method: 'GET' });
    assert.equal(exchange.response?.kind === 'refusal' && exchange.response.reason, 'method_not_allowed');
    assert.deepEqual(exchange.response?.fields, ['allow', 'POST']);
  });

  it('puts trailers behind the messages', () => {
    const exchange = request('application/grpc-web', [hello]);
    respond(exchange, 200, [...isGrpc, 'x-head', 'a'], [hello, compressed], ok);
    assert.equal(exchange.received, hello + compressed + okFrame);
    assert.deepEqual(exchange.responseFields, ['x-head', 'a', 'content-type', 'application/grpc-web+proto']);
  });

  it('answers in text where the request or Accept asks for it, piece by piece', () => {
    const asked = request('application/grpc-web-text+proto', [base64(hello)]);
    respond(asked, 200, ['content-type', 'application/grpc+json'], [hello, compressed], ok);
    assert.equal(asked.received, base64(hello) + base64(compressed) + base64(okFrame));
    assert.deepEqual(asked.responseFields, ['content-type', 'application/grpc-web-text+json']);
    const accepted = request('application/grpc-web', [hello], {
      headers: new Map([['accept', 'application/grpc-web-text']]),
    });
    assert.equal(respond(accepted, 200, [...isGrpc], [hello], ok).received, base64(hello) + base64(okFrame));
    const plain = request('application/grpc-web-text', [base64(hello)], {
      headers: new Map([['accept', 'application/grpc-web+proto']]),
    });
    assert.equal(respond(plain, 200, [...isGrpc], [hello], ok).received, hello + okFrame);
  });

  it('puts trailers of a head into the body, and leaves there what is of HTTP', () => {
    const head = [...isGrpc, 'Date', 'now', 'set-cookie', 'a=b', ...ok];
    const left = ['Date', 'now', 'set-cookie', 'a=b', 'content-type', 'application/grpc-web+proto'];
    const empty = request('application/grpc-web', [hello], { responseBytes: 0 });
    respond(empty, 200, [...head]);
    assert.equal(Buffer.from(empty.responseBody).toString('latin1'), okFrame);
    assert.deepEqual([...empty.responseFields].toSorted(), left.toSorted());
    const late = respond(request('application/grpc-web', [hello]), 200, [...head]);
    assert.equal(late.received, okFrame);
  });

  it('says so where the upstream tells no status', () => {
    const exchange = respond(request('application/grpc-web', [hello]), 200, [...isGrpc], [hello]);
    const said = 'grpc-status: 2\r\ngrpc-message: The upstream sent no grpc-status.\r\n';
    assert.equal(exchange.received, hello + frame(0x80, said));
  });

  it('puts no trailers into a message that has not ended', () => {
    const exchange = request('application/grpc-web', [hello]);
    respond(exchange, 200, [...isGrpc], [hello.slice(0, -1)], ok);
    assert.equal(exchange.received, hello.slice(0, -1));
    assert.deepEqual(exchange.refusals, ['grpcWeb upstream_protocol_error']);
  });

  const strange: [status: number, type: string, code: number][] = [
    [200, 'text/html', 2],
    [400, 'text/html', 13],
    [404, 'text/html', 12],
    [418, 'text/html', 2],
    [502, 'text/html', 14],
    [503, 'application/grpc', 14],
  ];
  for (const [status, type, code] of strange)
    it(`makes status ${code} of HTTP ${status} with ${type}`, () => {
      const exchange = respond(request('application/grpc-web', [hello]), status, ['content-type', type]);
      const { response } = exchange;
      assert.ok(response?.kind === 'answer');
      assert.equal(response.status, 200);
      assert.match(
        Buffer.from(response.body).toString('latin1'),
        new RegExp(
          `^\\x80.{4}grpc-status: ${code}\r\ngrpc-message: upstream_protocol_error: .* ${status},`,
          's',
        ),
      );
    });

  it('leaves refusals of the gateway as they are', () => {
    const fields = ['content-type', 'application/grpc-web+proto'];
    const exchange = respond(request('application/grpc-web', [hello]), 200, [...fields], [okFrame]);
    assert.deepEqual(exchange.responseFields, fields);
    assert.equal(exchange.responsePass, undefined);
  });
});
