import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateDocument } from '../validate-document.ts';

const problemsOf = (spec: object) =>
  validateDocument({ apiVersion: 'causeway/v1', kind: 'Gateway', metadata: { name: 'g' }, spec }).problems ??
  [];

describe('Gateway.accessLog', () => {
  it('goes to stdout or to an absolute path', () => {
    for (const output of ['stdout', 'file:/var/log/access.log', 'file:/a b'])
      assert.deepEqual(problemsOf({ accessLog: { output } }), []);
    const cases: [unknown, RegExp][] = [
      ['/var/log/a', /write file:\/var\/log\/a/],
      ['file:///var/log/a', /write file:\/var\/log\/a/],
      ['file:a.log', /must begin with "\/"/],
      ['stderr', /must begin/],
      ['file:/var/log/', /name a file/],
      ['file:/a\nb', /name a file/],
      [7, /must begin/],
    ];
    for (const [output, hint] of cases) {
      const [found, ...more] = problemsOf({ accessLog: { output } });
      assert.deepEqual([found?.code, found?.pointer, more], ['bad_format', '/spec/accessLog/output', []]);
      assert.match(found?.hint ?? '', hint);
    }
    assert.equal(problemsOf({ accessLog: { output: `file:/${'a'.repeat(4092)}` } })[0]?.code, 'out_of_range');
  });

  it('samples a percentage, fractions included', () => {
    for (const samplePercent of [0, 0.01, 100])
      assert.deepEqual(problemsOf({ accessLog: { samplePercent } }), []);
    for (const [samplePercent, code] of [
      [-1, 'out_of_range'],
      [100.5, 'out_of_range'],
      ['5', 'wrong_type'],
    ])
      assert.equal(problemsOf({ accessLog: { samplePercent } })[0]?.code, code);
  });
});

describe('Gateway.limits', () => {
  it('has bounds on pipelining and on the slowest client', () => {
    const of = (limits: object) => problemsOf({ limits }).map(({ code }) => code);
    assert.deepEqual(of({ maxPipelined: 1, maxStreamsPerConnection: 1, minBytesPerSecond: 0 }), []);
    assert.deepEqual(of({ maxConnections: 0, maxHeadSize: '255B', maxTargetSize: '255B' }), [
      'out_of_range',
      'out_of_range',
      'out_of_range',
    ]);
    assert.deepEqual(
      of({ maxPipelined: 1000, maxStreamsPerConnection: 1000, minBytesPerSecond: 10_000_000 }),
      [],
    );
    assert.deepEqual(of({ maxStreamsPerConnection: 0 }), ['out_of_range']);
    assert.deepEqual(of({ maxStreamsPerConnection: 1001 }), ['out_of_range']);
    assert.deepEqual(of({ maxPipelined: 0, minBytesPerSecond: -1 }), ['out_of_range', 'out_of_range']);
    assert.deepEqual(of({ maxPipelined: 1001, minBytesPerSecond: 10_000_001 }), [
      'out_of_range',
      'out_of_range',
    ]);
  });

  it('takes no time of 0s where that would be no limit at all', () => {
    const timeouts = {
      requestHead: '0s',
      requestBodyIdle: '0ms',
      keepAlive: '0s',
      drainDelay: '0s',
      drain: '0s',
    };
    assert.deepEqual(
      problemsOf({ timeouts }).map(({ pointer, code }) => [pointer, code]),
      ['keepAlive', 'requestBodyIdle', 'requestHead'].map((name) => [
        `/spec/timeouts/${name}`,
        'out_of_range',
      ]),
    );
  });
});

describe('Gateway.listeners', () => {
  const of = (listener: object) =>
    problemsOf({ listeners: [{ name: 'a', port: 443, ...listener }] }).map(({ pointer, code }) => [
      pointer.replace('/spec/listeners/0', ''),
      code,
    ]);
  const tls = { certificates: ['www'] };

  it('have TLS with https, and only then', () => {
    assert.deepEqual(of({ protocol: 'https', tls }), []);
    assert.deepEqual(of({ protocol: 'https' }), [['/tls', 'missing']]);
    assert.deepEqual(of({ tls }), [['/tls', 'not_allowed_here']]);
    assert.deepEqual(of({ protocol: 'https', tls: { certificates: [] } }), [
      ['/tls/certificates', 'out_of_range'],
    ]);
  });

  it('trust somebody when they ask clients for certificates, and only then', () => {
    const auth = (clientAuth: object) => of({ protocol: 'https', tls: { ...tls, clientAuth } });
    assert.deepEqual(auth({ mode: 'require', trust: ['ca'] }), []);
    assert.deepEqual(auth({ mode: 'optional' }), [['/tls/clientAuth/trust', 'missing']]);
    assert.deepEqual(auth({ trust: ['ca'] }), [['/tls/clientAuth/trust', 'not_allowed_here']]);
    assert.deepEqual(auth({ mode: 'maybe' }), [['/tls/clientAuth/mode', 'bad_format']]);
  });

  it('staple OCSP responses where they are told to', () => {
    const stapling = (ocspStapling: unknown) => of({ protocol: 'https', tls: { ...tls, ocspStapling } });
    assert.deepEqual(stapling(true), []);
    assert.deepEqual(stapling('yes'), [['/tls/ocspStapling', 'wrong_type']]);
  });

  it('take versions, ciphers and PROXY protocol by their names', () => {
    const more = { minVersion: 'TLSv1.3', ciphers: ['TLS_AES_128_GCM_SHA256'] };
    assert.deepEqual(of({ protocol: 'https', proxyProtocol: 'require', tls: { ...tls, ...more } }), []);
    assert.deepEqual(of({ protocol: 'https', tls: { ...tls, minVersion: 'TLSv1.1' } }), [
      ['/tls/minVersion', 'bad_format'],
    ]);
    assert.deepEqual(of({ protocol: 'https', tls: { ...tls, ciphers: ['HIGH:!aNULL'] } }), [
      ['/tls/ciphers/0', 'bad_format'],
    ]);
    assert.deepEqual(of({ proxyProtocol: 'v2' }), [['/proxyProtocol', 'bad_format']]);
  });
});
