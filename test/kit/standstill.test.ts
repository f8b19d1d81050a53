import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standstill } from './standstill.ts';

test('a standstill is where a count is twice, and not where it has not begun', async () => {
  const counts = [0, 0, 1, 2, 3, 3, 4];
  assert.equal(await standstill('it', () => counts.shift()!), 3);
  assert.deepEqual(counts, [4]);
});
