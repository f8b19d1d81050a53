import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEnd, OwnScope } from './owner.ts';

test('what was acquired last is cleaned up first', async () => {
  const scope = new OwnScope();
  const order: number[] = [];
  for (const step of [1, 2, 3]) onEnd(scope, () => void order.push(step));
  await scope.end();
  assert.deepEqual(order, [3, 2, 1]);
});

test('a failing clean-up neither stops the others nor is lost', async () => {
  const scope = new OwnScope();
  const order: number[] = [];
  onEnd(scope, () => void order.push(1));
  onEnd(scope, () => {
    throw new Error('second');
  });
  onEnd(scope, async () => {
    await Promise.reject(new Error('third'));
  });
  await assert.rejects(scope.end(), (error: unknown) => {
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(error.errors.map(String), ['Error: third', 'Error: second']);
    return true;
  });
  assert.deepEqual(order, [1]);
});
