import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { refusalResponse } from './reasons.ts';

describe('refusalResponse', () => {
  it('is problem+json in exactly this form', () => {
    assert.deepEqual(refusalResponse({ reason: 'no_route' }, '01kamxq5p1n9t4z7', undefined), {
      status: 404,
      fields: ['content-type', 'application/problem+json', 'x-request-id', '01kamxq5p1n9t4z7'],
      body: '{"type":"urn:causeway:reason:no_route","title":"Not Found","status":404,"reason":"no_route","detail":"No route takes this request.","requestId":"01kamxq5p1n9t4z7"}',
    });
  });

  it('says which methods are allowed, and when to come back', () => {
    const notAllowed = refusalResponse(
      { reason: 'method_not_allowed', allow: ['GET', 'PUT'] },
      'i',
      undefined,
    );
    assert.deepEqual(notAllowed.fields.slice(-2), ['allow', 'GET, PUT']);
    const overloaded = refusalResponse({ reason: 'overloaded' }, 'i', undefined);
    assert.deepEqual(overloaded.fields.slice(-2), ['retry-after', '1']);
  });

  it('is a line of text where Accept prefers text', () => {
    const bodyFor = (accept: string): string => refusalResponse({ reason: 'draining' }, 'i', accept).body;
    for (const accept of [
      'text/plain',
      'text/plain, */*;q=0.5',
      'application/json;q=0.1, text/plain;q=0.2',
      'text/plain, */*',
    ])
      assert.equal(bodyFor(accept), '503 draining i\n', accept);
    for (const accept of [
      '',
      '*/*',
      'application/json, text/plain',
      'text/plain;q=0',
      'text/html',
      'text/plain;q=0.1, */*',
      'text/plain;q=x',
    ])
      assert.match(bodyFor(accept), /^\{/, accept);
  });
});
