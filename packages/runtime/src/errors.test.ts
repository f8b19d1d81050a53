import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { AssertionFailure, assert as claim, assertionFailures, unreachable } from './assert.ts';
import { GatewayError, messageOf, systemCodeOf } from './errors.ts';

describe('GatewayError', () => {
  it('carries what each border needs, and is not retryable unless it says so', () => {
    const cause = new Error('disk');
    const details = { code: 'store_full', message: 'No space.', httpStatus: 507, grpcStatus: 8, cause };
    const error = new GatewayError(details);
    assert.ok(error instanceof Error);
    const { code, message, httpStatus, grpcStatus, retryable } = error;
    assert.deepEqual({ code, message, httpStatus, grpcStatus, cause: error.cause }, details);
    assert.equal(retryable, false);
    assert.equal(new GatewayError({ ...details, retryable: true }).retryable, true);
  });

  it('has no cause property when there is none', () => {
    const error = new GatewayError({ code: 'x', message: 'X.', httpStatus: 500, grpcStatus: 13 });
    assert.equal('cause' in error, false);
  });
});

describe('what was thrown', () => {
  it('has a system code only when the system gave one', () => {
    assert.throws(
      () => readFileSync('/nowhere'),
      (error) => systemCodeOf(error) === 'ENOENT',
    );
    assert.equal(systemCodeOf(new Error('x')), undefined);
    assert.equal(systemCodeOf('ENOENT'), undefined);
  });

  it('has a message even when it is no error', () => {
    assert.equal(messageOf(new Error('x')), 'x');
    assert.equal(messageOf('y'), 'y');
  });
});

describe('assert', () => {
  it('counts and throws when the claim is false, and does neither when it is true', () => {
    const before = assertionFailures();
    claim(true, 'fine');
    assert.equal(assertionFailures(), before);
    assert.throws(() => claim(false, 'one is two'), new AssertionFailure('assertion failed: one is two'));
    assert.equal(assertionFailures(), before + 1);
  });

  it('names the value that should have been unreachable', () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a value that the types exclude is the point
    assert.throws(() => unreachable('new kind' as never), /unreachable value "new kind"/);
  });
});
