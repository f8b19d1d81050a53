import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { crossingTrailers } from './trailers.ts';

const forHeads = [
  'content-length',
  'transfer-encoding',
  'trailer',
  'te',
  'connection',
  'host',
  'content-type',
  'authorization',
  'cookie',
  'set-cookie',
  'cache-control',
  'location',
  'traceparent',
  'x-forwarded-for',
  'forwarded',
  'x-consumer-name',
  'x_consumer_name',
  'x-request-id',
];

describe('trailers', () => {
  it('cross when they are of the application, as those of gRPC', () => {
    const fields = ['grpc-status', '0', 'grpc-message', '', 'server-timing', 'a', 'x', '1', 'x', '2'];
    assert.deepEqual(crossingTrailers(fields), fields);
    assert.equal(crossingTrailers([]), undefined);
  });

  it('stay behind when they would frame, route, authorise or describe a message', () => {
    for (const name of forHeads) assert.deepEqual(crossingTrailers([name, 'a', 'x', '1']), ['x', '1'], name);
  });

  it('stay behind when they are malformed', () => {
    for (const malformed of [
      ['X', '1'],
      ['', '1'],
      [':status', '200'],
      ['a b', '1'],
      ['x', 'a\r\nb'],
      ['x', '\0'],
    ])
      assert.deepEqual(crossingTrailers([...malformed, 'y', '2']), ['y', '2'], JSON.stringify(malformed));
  });
});
