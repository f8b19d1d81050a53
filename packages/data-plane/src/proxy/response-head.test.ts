import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fieldList } from '../testing/field-list.ts';
import { responseHead } from './response-head.ts';

describe('responseHead', () => {
  it('drops what belongs to the connection to the upstream', () => {
    const headers = fieldList(`
      Content-Type: text/plain
      Connection: X-Internal, close
      X-Internal: s3cret
      Keep-Alive: timeout=5
      Content-Length: 3
      Set-Cookie: a=1
      set-cookie: b=2
      Trailer: x`);
    assert.deepEqual(responseHead('GET', 200, headers), {
      headers: ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'],
      length: 3,
      hasBody: true,
      isStream: false,
    });
  });

  it('tells a length but gives no body for HEAD and 304, and neither for 204 and 1xx', () => {
    const lengthAndBody = (method: string, status: number, headers: string[]) => {
      const head = responseHead(method, status, headers);
      return [head?.length, head?.hasBody];
    };
    const counted = ['content-length', '7'];
    assert.deepEqual(lengthAndBody('HEAD', 200, counted), [7, false]);
    assert.deepEqual(lengthAndBody('HEAD', 200, ['transfer-encoding', 'chunked']), [undefined, false]);
    assert.deepEqual(lengthAndBody('GET', 304, counted), [7, false]);
    assert.deepEqual(lengthAndBody('GET', 204, counted), [undefined, false]);
    assert.deepEqual(lengthAndBody('GET', 103, []), [undefined, false]);
    assert.deepEqual(lengthAndBody('GET', 200, []), ['unknown', true]);
  });

  it('knows streams by their type', () => {
    const isStream = (type: string) => responseHead('GET', 200, ['Content-Type', type])?.isStream;
    for (const type of [
      'text/event-stream',
      'Text/Event-Stream; charset=utf-8',
      'application/x-ndjson',
      'application/grpc+proto',
    ])
      assert.equal(isStream(type), true, type);
    assert.equal(isStream('text/html'), false);
  });

  it('is undefined for framing that contradicts itself', () => {
    assert.equal(responseHead('GET', 200, ['content-length', '1', 'content-length', '2']), undefined);
  });
});
