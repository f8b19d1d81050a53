import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { guardRequest } from './guard-request.ts';

const limits = { headBytesMax: 1000, headersMax: 3, targetBytesMax: 100 };

interface Given {
  method?: string;
  target?: string;
  httpVersion?: string;
  headers?: string[];
}

const guard = ({ method = 'GET', target = '/', httpVersion = '1.1', headers = ['Host', 'a.test'] }: Given) =>
  guardRequest({ method, target, httpVersion, headers, scheme: 'http' }, limits);

const reasonOf = (given: Given): string => {
  const guarded = guard(given);
  return 'reason' in guarded ? guarded.reason : 'none';
};

describe('guardRequest', () => {
  it('lets an ordinary request pass, with what the next steps need', () => {
    const headers = ['Host', 'A.test:8080', 'Connection', 'X-Hop, close', 'content-length', '5'];
    assert.deepEqual(guard({ method: 'POST', target: '/a?b', headers }), {
      host: 'a.test',
      authority: 'A.test:8080',
      target: '/a?b',
      bodyLength: 5,
      nominated: new Set(['x-hop']),
    });
  });

  it('needs exactly one valid Host, but none of HTTP/1.0', () => {
    assert.equal(reasonOf({ headers: [] }), 'bad_request');
    assert.equal(reasonOf({ headers: ['host', 'a.test', 'Host', 'a.test'] }), 'bad_request');
    assert.equal(reasonOf({ headers: ['host', 'a.test,b.test'] }), 'bad_request');
    const old = guard({ headers: [], httpVersion: '1.0' });
    assert.ok('host' in old && old.host === '' && old.authority === '');
  });

  it('takes an absolute target over Host, and refuses when they differ', () => {
    const absolute = guard({ target: 'HTTP://a.test:80?q' });
    assert.ok('target' in absolute);
    assert.deepEqual([absolute.host, absolute.authority, absolute.target], ['a.test', 'a.test:80', '/?q']);
    for (const target of [
      'http://b.test/',
      'http://u@a.test/',
      'https://a.test/',
      'ftp://a.test/',
      'http:///',
    ])
      assert.equal(reasonOf({ target }), 'bad_request', target);
  });

  it('takes * with OPTIONS alone, and no other form', () => {
    assert.equal(reasonOf({ target: '*', method: 'OPTIONS' }), 'none');
    for (const target of ['*', 'a', 'a.test:80', ''])
      assert.equal(reasonOf({ target }), 'bad_request', target);
  });

  it('refuses methods that it does not support, and versions', () => {
    assert.equal(reasonOf({ method: 'TRACE' }), 'not_implemented');
    assert.equal(reasonOf({ method: 'CONNECT', target: 'a.test:443' }), 'not_implemented');
    for (const httpVersion of ['0.9', '1.2', '2.0']) assert.equal(reasonOf({ httpVersion }), 'bad_request');
  });

  it('refuses a Connection that names what must not be taken away, and a second Authorization', () => {
    for (const name of [
      'Host',
      'content-length',
      'Transfer-Encoding',
      'authorization',
      'X-Forwarded-For',
      'x_real_ip',
    ])
      assert.equal(
        reasonOf({ headers: ['host', 'a.test', 'connection', `close, ${name}`] }),
        'bad_request',
        name,
      );
    const twice = ['host', 'a.test', 'authorization', 'a', 'Authorization', 'b'];
    assert.equal(reasonOf({ headers: twice }), 'bad_request');
  });

  it('holds each limit of the head: at it and over it', () => {
    const target = `/${'a'.repeat(99)}`;
    assert.equal(reasonOf({ target }), 'none');
    assert.equal(reasonOf({ target: `${target}a` }), 'uri_too_long');
    const three = ['host', 'a.test', 'a', '1', 'b', '2'];
    assert.equal(reasonOf({ headers: three }), 'none');
    assert.equal(reasonOf({ headers: [...three, 'c', '3'] }), 'head_too_large');
    // GET / HTTP/1.1 and its line end are 16 bytes, the Host line 14, the other one 5 and its value.
    const filled = (length: number) => ['host', 'a.test', 'a', 'x'.repeat(length)];
    assert.equal(reasonOf({ headers: filled(965) }), 'none');
    assert.equal(reasonOf({ headers: filled(966) }), 'head_too_large');
  });
});
