import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fieldList, responseHead } from '../testing/heads.ts';
import { downstreamFields, downstreamLength, isStream } from './response-head.ts';

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

  it('tells the length that the body has or would have', () => {
    const lengthOf = (method: string, status: number, lines: string) =>
      downstreamLength(responseHead(method, status, lines), method);
    const counted = 'content-length: 7';
    assert.equal(lengthOf('GET', 200, counted), 7);
    assert.equal(lengthOf('GET', 200, 'transfer-encoding: chunked'), 'unknown');
    assert.equal(lengthOf('GET', 200, ''), 'unknown');
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
