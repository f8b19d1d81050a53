import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readSource, sourcedRequest } from './request-source.ts';

const headers: Readonly<Record<string, string>> = { 'x-user': 'u1', cookie: 'a=1; b=2; a=3', empty: '' };
const request = sourcedRequest('192.0.2.7', 'default/r', {
  method: 'GET',
  host: 'a.test',
  path: '/orders/7',
  query: 'room=red+one&room=2&none=',
  encoded: 0,
  header: (name) => headers[name],
});

describe('readSource', () => {
  it('reads the value that the source names', () => {
    assert.equal(readSource({ kind: 'address' }, request), '192.0.2.7');
    assert.equal(readSource({ kind: 'path' }, request), '/orders/7');
    assert.equal(readSource({ kind: 'route' }, request), 'default/r');
    assert.equal(readSource({ kind: 'header', name: 'x-user' }, request), 'u1');
    assert.equal(readSource({ kind: 'query', name: 'room' }, request), 'red one');
    assert.equal(readSource({ kind: 'cookie', name: 'a' }, request), '1');
  });

  it('tells an empty value from none', () => {
    assert.equal(readSource({ kind: 'header', name: 'empty' }, request), '');
    assert.equal(readSource({ kind: 'query', name: 'none' }, request), '');
    for (const kind of ['header', 'query', 'cookie'] as const)
      assert.equal(readSource({ kind, name: 'absent' }, request), undefined);
  });
});
