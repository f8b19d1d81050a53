import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiVersion, type Spec } from '@causeway/model/resource';
import { entryOf } from '../store/resource-index.ts';
import { checkBuildable } from './check-buildable.ts';

const now = '2026-11-23T04:10:00.000Z';

function problemsOf(kind: string, spec: Spec): string[] {
  const metadata = { name: 'a', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: now };
  const entry = entryOf({ apiVersion, kind, metadata, spec }, now);
  return checkBuildable(entry, [{ host: '127.0.0.1', port: 7080 }]).map(
    ({ pointer, code }) => `${code} ${pointer}`,
  );
}

const listeners = (
  ...entries: { name: string; address: string; port: number; hosts?: string[] }[]
): string[] => problemsOf('Gateway', { listeners: entries });

describe('checkBuildable', () => {
  it('refuses listeners that no machine can open together', () => {
    const all = { name: 'a', address: '0.0.0.0', port: 80 };
    const one = { name: 'b', address: '127.0.0.1', port: 80, hosts: ['b.test'] };
    assert.deepEqual(listeners(all, one), ['duplicate /spec/listeners/1/address']);
    assert.deepEqual(listeners(one, { ...all, address: '::' }), ['duplicate /spec/listeners/1/address']);
    assert.deepEqual(listeners(all, { ...one, port: 81 }), []);
    assert.deepEqual(listeners({ ...all, port: 0 }, { ...one, port: 0 }), []);
  });

  it('takes listeners of one address and port as long as their hosts differ', () => {
    const a = { name: 'a', address: '0.0.0.0', port: 80, hosts: ['a.test'] };
    assert.deepEqual(listeners(a, { ...a, name: 'b', hosts: ['b.test'] }), []);
    assert.deepEqual(listeners(a, { ...a, name: 'b', hosts: [] }), []);
    assert.deepEqual(listeners(a, { ...a, name: 'b', hosts: ['b.test', 'a.test'] }), [
      'duplicate /spec/listeners/1',
    ]);
    assert.deepEqual(listeners({ ...a, hosts: [] }, { ...a, name: 'b', hosts: [] }), [
      'duplicate /spec/listeners/1',
    ]);
  });

  it('refuses endpoints at metadata services and at the control plane', () => {
    const at = (address: string, port = 80): string[] =>
      problemsOf('Service', { endpoints: [{ address, port }] });
    for (const address of ['169.254.169.254', '100.100.100.200', '192.0.0.192', '0.0.0.0', 'fe80::1']) {
      assert.deepEqual(at(address), ['forbidden_address /spec/endpoints/0/address'], address);
    }
    assert.deepEqual(at('localhost', 7080), ['forbidden_address /spec/endpoints/0/address']);
    assert.deepEqual(at('127.0.0.1', 9001), []);
  });

  it('refuses schemas that nodes could not read texts by', () => {
    const validate = (schemas: object): string[] =>
      problemsOf('Middleware', { filters: [{ name: 'v', validate: { maxBodySize: '1KiB', ...schemas } }] });
    const at = '/spec/filters/0/validate';
    assert.deepEqual(validate({ query: { properties: { a: { $ref: '#' } } } }), []);
    assert.deepEqual(validate({ headers: { patternProperties: { a: {} } } }), [`bad_format ${at}/headers`]);
    assert.deepEqual(validate({ query: { properties: { a: { $ref: '#none' } } } }), [
      `bad_format ${at}/query/properties/a/$ref`,
    ]);
  });

  it('refuses a path whose requests would all be refused', () => {
    const path = (exact: string, allowEncoded: string[] = []): string[] =>
      problemsOf('Route', { matches: [{ path: { exact } }], allowEncoded, backends: [{ service: 's' }] });
    assert.deepEqual(path('/a%2fb'), ['bad_format /spec/matches/0/path/exact']);
    assert.deepEqual(path('/a;b'), ['bad_format /spec/matches/0/path/exact']);
    assert.deepEqual(path('/a%2fb', ['slash']), []);
    assert.deepEqual(path('/a%20b'), []);
  });
});

describe('listeners with TLS', () => {
  const problems = (...written: object[]): [string, string, string][] =>
    checkBuildable(
      entryOf(
        {
          apiVersion,
          kind: 'Gateway',
          metadata: {
            name: 'g',
            uid: 'u',
            resourceVersion: '1',
            generation: 1,
            creationTimestamp: '2026-01-01T00:00:00.000Z',
          },
          spec: { listeners: written },
        },
        '2026-01-01T00:00:00.000Z',
      ),
      [],
    ).map(({ code, pointer, detail }) => [code, pointer, detail]);
  const https = (name: string, tls: object = {}, more: object = {}) => ({
    name,
    port: 443,
    protocol: 'https',
    hosts: [`${name}.test`],
    tls: { certificates: [name], ...tls },
    ...more,
  });

  it('share a port when they differ in hosts and certificates alone', () => {
    assert.deepEqual(problems(https('a'), https('b')), []);
    const clientAuth = { mode: 'require', trust: ['ca'] };
    for (const other of [
      https('b', { minVersion: 'TLSv1.3' }),
      https('b', { clientAuth }),
      https('b', { ciphers: ['TLS_AES_128_GCM_SHA256'] }),
      https('b', {}, { proxyProtocol: 'accept' }),
      { name: 'b', port: 443, hosts: ['b.test'] },
    ])
      assert.deepEqual(problems(https('a'), other), [
        ['exclusive', '/spec/listeners/1', 'speaks otherwise than listener a on the same port'],
      ]);
  });

  it('name ciphers that nodes know', () => {
    assert.deepEqual(problems(https('a', { ciphers: ['ECDHE-ECDSA-AES128-GCM-SHA256', 'AES128-NIX'] })), [
      ['bad_format', '/spec/listeners/0/tls/ciphers/1', '"AES128-NIX" is not a cipher suite that nodes know'],
    ]);
  });
});
