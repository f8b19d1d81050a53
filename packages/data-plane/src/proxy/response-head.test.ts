import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fieldList, responseHead } from '../testing/heads.ts';
import { downstreamFields, downstreamLength, finalFields, isStream, ownFields } from './response-head.ts';

describe('the head for the client', () => {
  it('has nothing that belongs to the connection to the upstream', () => {
    const kept = 'Content-Type: text/plain\nSet-Cookie: a=1\nset-cookie: b=2';
    const head = responseHead(
      'GET',
      200,
      `${kept}
      Connection: X-Internal, close
      X-Internal: s3cret
      Keep-Alive: timeout=5
      Content-Length: 3
      Trailer: x`,
    );
    assert.deepEqual(downstreamFields(head), fieldList(kept));
  });

  it('says when the response came, unless it says so itself, and by whom if that is wanted', () => {
    const named = 'Date: Thu, 01 Jan 1970 00:00:00 GMT';
    const at = Date.UTC(2030, 0, 2, 3, 4, 5, 678);
    const now = ['date', 'Wed, 02 Jan 2030 03:04:05 GMT'];
    assert.deepEqual(finalFields(responseHead('GET', 200, ''), at, false), now);
    assert.deepEqual(finalFields(responseHead('GET', 200, named), at, false), fieldList(named));
    assert.deepEqual(finalFields(responseHead('GET', 200, ''), at + 1000, true), [
      'date',
      'Wed, 02 Jan 2030 03:04:06 GMT',
      'via',
      '1.1 causeway',
    ]);
  });

  it('of an answer of our own has a date and an id, which its author may choose', () => {
    assert.deepEqual(ownFields(['Allow', 'GET'], 'id', 0), [
      'Allow',
      'GET',
      'date',
      'Thu, 01 Jan 1970 00:00:00 GMT',
      'x-request-id',
      'id',
    ]);
    const chosen = ['DATE', 'x', 'X-Request-Id', 'y'];
    assert.deepEqual(ownFields(chosen, 'id', 0), chosen);
  });

  it('tells the length that the body has or would have', () => {
    const lengthOf = (method: string, status: number, lines: string, isSecure = false) =>
      downstreamLength(responseHead(method, status, lines), method, isSecure);
    const counted = 'content-length: 7';
    assert.equal(lengthOf('GET', 200, counted), 7);
    assert.equal(lengthOf('GET', 200, 'transfer-encoding: chunked'), 'unknown');
    assert.equal(lengthOf('GET', 200, ''), 'unknown');
    assert.equal(lengthOf('GET', 200, '', true), 'untilClose');
    assert.equal(lengthOf('GET', 200, counted, true), 7);
    assert.equal(lengthOf('HEAD', 200, '', true), undefined);
    assert.equal(lengthOf('HEAD', 200, counted), 7);
    assert.equal(lengthOf('HEAD', 200, 'transfer-encoding: chunked'), undefined);
    assert.equal(lengthOf('GET', 304, counted), 7);
    assert.equal(lengthOf('GET', 204, 'content-length: 0'), undefined);
    assert.equal(lengthOf('GET', 103, ''), undefined);
  });

  it('knows streams by their type', () => {
    const isStreamOf = (type: string) => isStream(responseHead('GET', 200, `Content-Type: ${type}`));
    for (const type of [
      'text/event-stream',
      'Text/Event-Stream; charset=utf-8',
      'application/x-ndjson',
      'application/grpc+proto',
    ])
      assert.equal(isStreamOf(type), true, type);
    assert.equal(isStreamOf('text/html'), false);
    assert.equal(isStream(responseHead('GET', 200, '')), false);
  });
});
