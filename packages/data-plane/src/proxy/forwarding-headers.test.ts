import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fieldList, requestHead } from '../testing/heads.ts';
import { upstreamFields } from './forwarding-headers.ts';

function sent(
  lines: string,
  {
    peerIsTrusted = false,
    authority = 'a.test',
    forwarded = false,
    via = false,
    peerAddress = '192.0.2.7',
  } = {},
): string[] {
  return upstreamFields({
    head: requestHead('GET / HTTP/1.1', /^\s*Host:/m.test(lines) ? lines : `Host: a.test\n${lines}`),
    authority,
    peerAddress,
    peerIsTrusted,
    forwarding: { forwarded, via },
    scheme: 'http',
    localPort: 8080,
    requestId: 'id1',
  });
}

/** What a request without a field of its own becomes. */
const bare = fieldList(`
  host: a.test
  x-forwarded-for: 192.0.2.7
  x-forwarded-proto: http
  x-forwarded-host: a.test
  x-forwarded-port: 8080
  x-request-id: id1`);

describe('upstreamFields', () => {
  it('keeps end-to-end fields as they are and in order, repeated ones too', () => {
    const kept = `
      X-A: 1
      Cookie: a=1
      x-a: 2
      cookie: b=2
      Authorization: Bearer x`;
    const expected = [...bare.slice(0, 2), ...fieldList(kept), ...bare.slice(2)];
    assert.deepEqual(sent(`Host: a.test\n${kept}`), expected);
  });

  it('drops hop-by-hop fields, those that Connection names, framing and Expect', () => {
    const dropped = `
      Connection: x-hop
      X-Hop: 1
      Keep-Alive: timeout=5
      Proxy-Connection: a
      TE: trailers
      Trailer: x
      Upgrade: h2c
      HTTP2-Settings: a
      Content-Length: 5
      Content_Length: 6
      Transfer_Encoding: chunked
      Proxy-Authorization: a
      Expect: 100-continue`;
    assert.deepEqual(sent(dropped), bare);
  });

  it('drops claims of identity of a stranger, with underscores too', () => {
    const claims = `
      X-Forwarded-For: 10.0.0.1
      x_forwarded_for: 10.0.0.1
      X-Forwarded-Prefix: /e
      Forwarded: for=10.0.0.1
      X-Real-IP: 10.0.0.1
      X_Real_IP: 10.0.0.1
      X-Request-Id: mine
      X-Consumer-Name: admin
      X_Consumer-Name: admin
      X-Original-URL: /admin
      baggage: role=admin`;
    assert.deepEqual(sent(claims), bare);
  });

  it('takes up what a trusted proxy says, but neither its consumers nor its underscores', () => {
    const told = `
      X-Forwarded-For: 203.0.113.9
      x-forwarded-for: 10.0.0.2
      X-Forwarded-Proto: https
      X-Forwarded-Host: b.test
      X-Forwarded-Port: 443
      X-Real-IP: 203.0.113.9
      X_Real_IP: forged
      X-Consumer-Name: admin
      baggage: user=7`;
    const expected = fieldList(`
      host: a.test
      X-Real-IP: 203.0.113.9
      baggage: user=7
      x-forwarded-for: 203.0.113.9, 10.0.0.2, 192.0.2.7
      x-forwarded-proto: https
      x-forwarded-host: b.test
      x-forwarded-port: 443
      x-request-id: id1`);
    assert.deepEqual(sent(told, { peerIsTrusted: true }), expected);
  });

  it('lets a trace pass as it is, and drops one that is broken with what belongs to it', () => {
    const trace = `
      traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
      tracestate: a=b`;
    assert.deepEqual(sent(trace), [...bare.slice(0, 2), ...fieldList(trace), ...bare.slice(2)]);
    for (const broken of [
      '00-a-b-01',
      `ff-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
      `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
    ])
      assert.deepEqual(sent(`traceparent: ${broken}\ntracestate: a=b`), bare, broken);
    assert.deepEqual(sent('tracestate: a=b'), bare);
  });

  it('adds Forwarded and Via where the Gateway says so', () => {
    const added = (lines: string, options = {}) =>
      sent(lines, { forwarded: true, via: true, ...options }).slice(bare.length);
    const via = ['via', '1.1 causeway'];
    assert.deepEqual(added(''), ['forwarded', 'for=192.0.2.7;host=a.test;proto=http', ...via]);
    assert.deepEqual(added('Forwarded: for=6.6.6.6'), [
      'forwarded',
      'for=192.0.2.7;host=a.test;proto=http',
      ...via,
    ]);
    assert.deepEqual(
      added('Forwarded: for=6.6.6.6', {
        peerIsTrusted: true,
        peerAddress: '2001:db8::7',
        authority: 'a.test:8080',
      }),
      ['forwarded', 'for=6.6.6.6, for="[2001:db8::7]";host="a.test:8080";proto=http', ...via],
    );
    const passed = sent('Via: 1.0 other', { via: true });
    assert.deepEqual(passed.slice(2, 4), ['Via', '1.0 other']);
    assert.deepEqual(passed.slice(-2), via);
  });

  it('names no host when the client named none', () => {
    const headers = sent('', { authority: '' });
    assert.ok(!headers.includes('host') && !headers.includes('x-forwarded-host'));
  });
});
