import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '@causeway/runtime/clock';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { fieldList, responseHead } from '../testing/heads.ts';
import { downstreamFields, downstreamLength, finalFields, ownFields, streamKind } from './response-head.ts';

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
    const at = (second: number): Clock => new ManualClock(Date.UTC(2030, 0, 2, 3, 4, second, 678));
    const now = ['date', 'Wed, 02 Jan 2030 03:04:05 GMT'];
    assert.deepEqual(finalFields(responseHead('GET', 200, ''), at(5), false), now);
    assert.deepEqual(finalFields(responseHead('GET', 200, named), at(5), false), fieldList(named));
    assert.deepEqual(finalFields(responseHead('GET', 200, ''), at(6), true), [
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

  it('knows streams by their type, unless their length is known', () => {
    const kindOf = (type: string, more = '', method = 'GET', status = 200) =>
      streamKind(responseHead(method, status, `Content-Type: ${type}\n${more}`));
    assert.equal(kindOf('text/event-stream'), 'events');
    assert.equal(kindOf('Text/Event-Stream; charset=utf-8'), 'events');
    assert.equal(kindOf('application/x-ndjson'), 'records');
    assert.equal(kindOf('application/grpc+proto'), 'records');
    assert.equal(kindOf('text/html'), undefined);
    assert.equal(kindOf('text/event-stream', 'Content-Length: 8'), undefined);
    assert.equal(kindOf('text/event-stream', '', 'HEAD'), undefined);
    assert.equal(kindOf('text/event-stream', '', 'GET', 304), undefined);
    assert.equal(streamKind(responseHead('GET', 200, '')), undefined);
  });
});
