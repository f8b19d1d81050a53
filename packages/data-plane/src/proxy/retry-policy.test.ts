import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { requestHead, responseHead } from '../testing/heads.ts';
import { isRepeatable, retriesAnswer, retriesFailure, type RetryPolicy } from './retry-policy.ts';

const policy: RetryPolicy = {
  attempts: 1,
  errors: new Set(['connectFailure', 'reset']),
  statuses: new Set([503]),
  grpcCodes: new Set([14]),
  methods: new Set(['GET', 'PUT']),
  backoffMs: 25,
  maxBackoffMs: 90,
  bodyBytesMax: 65_536,
};

const asks = (method: string, lines = ''): boolean =>
  isRepeatable(policy, requestHead(`${method} / HTTP/1.1`, `Host: a\n${lines}`));

describe('a retry policy', () => {
  it('takes the methods that it names, and POST and PATCH of clients that can tell one from two', () => {
    assert.deepEqual([asks('GET'), asks('PUT'), asks('DELETE'), asks('POST')], [true, true, false, false]);
    const key = 'Idempotency-Key: "8e03978e"';
    assert.deepEqual([asks('POST', key), asks('PATCH', key), asks('DELETE', key)], [true, true, false]);
    assert.equal(asks('POST', 'Idempotency-Key: '), false);
  });

  it('tells errors apart', () => {
    const retries = (reason: 'upstream_connect_failed' | 'upstream_reset' | 'upstream_protocol_error') =>
      retriesFailure(policy, { reason, detail: '' });
    assert.deepEqual(
      [
        retries('upstream_connect_failed'),
        retries('upstream_reset'),
        retries('upstream_protocol_error'),
        retriesFailure({ ...policy, errors: new Set() }, { reason: 'upstream_reset', detail: '' }),
      ],
      [true, true, false, false],
    );
  });

  it('looks at the status, and for a code of gRPC at the head', () => {
    const answered = (status: number, lines = '') =>
      retriesAnswer(policy, responseHead('GET', status, lines));
    assert.deepEqual([answered(503), answered(500), answered(200)], [true, false, false]);
    assert.deepEqual(
      [answered(200, 'grpc-status: 14'), answered(200, 'grpc-status: 0'), answered(200, 'grpc-status: x')],
      [true, false, false],
    );
  });
});
