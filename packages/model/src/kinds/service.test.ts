import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateDocument } from '../validate-document.ts';

const problemsOf = (spec: object): unknown[] =>
  (
    validateDocument({ apiVersion: 'causeway/v1', kind: 'Service', metadata: { name: 's' }, spec })
      .problems ?? []
  ).map(({ code, pointer, detail }) => [code, pointer, detail]);

const named = { address: 'a.internal', port: 443 };
const numbered = { address: '10.0.0.1', port: 443 };

describe('Service.tls', () => {
  it('needs a protocol with TLS', () => {
    const detail = 'protocol http has no TLS';
    assert.deepEqual(problemsOf({ tls: {} }), [['not_allowed_here', '/spec/tls', detail]]);
    assert.deepEqual(problemsOf({ protocol: 'http', endpoints: [{ ...named, serverName: 'a' }] }), [
      ['not_allowed_here', '/spec/endpoints/0/serverName', detail],
    ]);
    assert.deepEqual(problemsOf({ protocol: 'h2c', tls: {} }), [
      ['not_allowed_here', '/spec/tls', 'protocol h2c has no TLS'],
    ]);
    assert.deepEqual(problemsOf({ protocol: 'grpc', tls: {} }), [
      ['not_allowed_here', '/spec/tls', 'protocol grpc has no TLS'],
    ]);
    for (const protocol of ['https', 'h2', 'grpcs']) {
      assert.deepEqual(problemsOf({ protocol, endpoints: [named] }), []);
      assert.deepEqual(problemsOf({ protocol, endpoints: [named], tls: {} }), []);
      assert.equal(problemsOf({ protocol, endpoints: [numbered] }).length, 1);
    }
  });

  it('needs a name for an endpoint that is an address, unless nothing is verified', () => {
    const https = (tls?: object, endpoint: object = numbered) => ({
      protocol: 'https',
      endpoints: [named, endpoint],
      ...(tls ? { tls } : {}),
    });
    for (const spec of [https(), https({ verify: true })])
      assert.deepEqual(problemsOf(spec), [
        [
          'missing',
          '/spec/endpoints/1',
          '10.0.0.1 has no name that its certificate could be verified against',
        ],
      ]);
    for (const spec of [
      https({ verify: false }),
      https({ serverName: 'a.internal' }),
      https({}, { ...numbered, serverName: '10.0.0.1' }),
    ])
      assert.deepEqual(problemsOf(spec), []);
  });

  it('takes names that a certificate can hold, and no others', () => {
    for (const serverName of ['a', 'a.b-c.example', '10.0.0.1', '::1'])
      assert.deepEqual(problemsOf({ protocol: 'https', tls: { serverName } }), []);
    for (const serverName of ['A.example', '*.example', 'a..b', 'a b', '', '1.2', 'x'.repeat(254), 7])
      assert.equal(problemsOf({ protocol: 'https', tls: { serverName } }).length, 1, String(serverName));
  });

  it('refuses versions and protocols that this one does not speak', () => {
    for (const protocol of ['http2', 'H2'])
      assert.deepEqual(problemsOf({ protocol }), [
        ['bad_format', '/spec/protocol', `"${protocol}" is not one of http, https, h2c, h2, grpc, grpcs`],
      ]);
    assert.equal(problemsOf({ protocol: 'https', tls: { minVersion: 'TLSv1.1' } }).length, 1);
  });
});

describe('gRPC', () => {
  it('needs a protocol that is read as such', () => {
    assert.deepEqual(problemsOf({ protocol: 'h2c', grpc: {} }), [
      ['not_allowed_here', '/spec/grpc', 'protocol h2c is not read as gRPC'],
    ]);
    assert.deepEqual(problemsOf({ protocol: 'grpc', grpc: { maxMessageSize: '0B' } }), []);
  });

  it('is a path of its own in a match', () => {
    const problems = (match: object): unknown[] =>
      (
        validateDocument({
          apiVersion: 'causeway/v1',
          kind: 'Route',
          metadata: { name: 'r' },
          spec: { matches: [match], backends: [{ service: 's' }] },
        }).problems ?? []
      ).map(({ code, pointer }) => [code, pointer]);
    assert.deepEqual(problems({ grpc: { service: 'a.v1.B', method: 'C' } }), []);
    assert.deepEqual(problems({ grpc: { service: 'a.v1.B' }, path: { prefix: '/' } }), [
      ['exclusive', '/spec/matches/0/path'],
    ]);
    for (const service of ['/a.v1.B', 'a..B', 'a/b', ''])
      assert.equal(problems({ grpc: { service } }).length, 1, service);
  });
});
