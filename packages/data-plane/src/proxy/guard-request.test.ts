import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { requestHead } from '../testing/heads.ts';
import { guardRequest } from './guard-request.ts';

interface Given {
  method?: string;
  target?: string;
  lines?: string;
}

const guard = ({ method = 'GET', target = '/', lines = '' }: Given) =>
  guardRequest(requestHead(`${method} ${target} HTTP/1.1`, `Host: A.test\n${lines}`), 'http');

const reasonOf = (given: Given): string => {
  const guarded = guard(given);
  return 'reason' in guarded ? guarded.reason : 'none';
};

describe('guardRequest', () => {
  it('lets an ordinary request pass, with what the next steps need', () => {
    const lines = 'Connection: X-Hop, close\ncontent-length: 5';
    assert.deepEqual(guard({ method: 'POST', target: '/a?b', lines }), {
      host: 'a.test',
      authority: 'A.test',
      target: '/a?b',
    });
    const old = guardRequest(requestHead('GET / HTTP/1.0', ''), 'http');
    assert.deepEqual(old, { host: '', authority: '', target: '/' });
  });

  it('takes the host and the path of an absolute target, but no other scheme than the listener has', () => {
    assert.deepEqual(guard({ target: 'HTTP://a.test:80?q' }), {
      host: 'a.test',
      authority: 'a.test:80',
      target: '/?q',
    });
    assert.equal(reasonOf({ target: 'https://a.test/' }), 'bad_request');
  });

  it('takes OPTIONS of the server in both spellings', () => {
    for (const target of ['*', 'http://a.test']) {
      const guarded = guard({ method: 'OPTIONS', target });
      assert.ok('target' in guarded && guarded.target === '*', target);
    }
  });

  it('refuses methods that are not for a gateway, and ends the connection', () => {
    for (const given of [{ method: 'TRACE' }, { method: 'CONNECT', target: 'a.test:443' }]) {
      const guarded = guard(given);
      assert.ok('reason' in guarded && guarded.reason === 'not_implemented' && guarded.close === true);
    }
  });

  it('meets no other expectation than 100-continue', () => {
    assert.equal(reasonOf({ lines: 'Expect: 100-Continue' }), 'none');
    assert.equal(reasonOf({ lines: 'Expect: the-unexpected' }), 'expectation_failed');
  });

  it('refuses a Connection that names what must not be taken away, and a second Authorization', () => {
    const nominated = [
      'Host',
      'content-length',
      'Transfer-Encoding',
      'authorization',
      'X-Forwarded-For',
      'x_real_ip',
    ];
    for (const name of nominated)
      assert.equal(reasonOf({ lines: `connection: close, ${name}` }), 'bad_request', name);
    assert.equal(reasonOf({ lines: 'authorization: a\nAuthorization: b' }), 'bad_request');
  });

  it('takes no host that begins or ends in doubt', () => {
    for (const host of ['.a.test', 'a..test', '.'])
      assert.ok('reason' in guardRequest(requestHead('GET / HTTP/1.1', `Host: ${host}`), 'http'), host);
  });
});
