import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';

test('the first value that satisfies the condition is returned, errors before it are not yet', async () => {
  let reads = 0;
  const value = await eventually(
    () => {
      reads += 1;
      if (reads < 3) throw new Error('too early');
      return reads;
    },
    { what: 'five reads', until: (n) => n === 5, intervalMs: 1 },
  );
  assert.equal(value, 5);
});

test('too late, the error names what was waited for and the last value', async () => {
  await assert.rejects(
    eventually(() => ({ revision: 7 }), {
      what: 'revision 8',
      until: ({ revision }) => revision === 8,
      timeoutMs: 5,
      intervalMs: 1,
    }),
    /not within 5 ms: revision 8; last value: { revision: 7 }/,
  );
});

test('too late, the last error is the cause', async () => {
  const cause = new Error('connection refused');
  await assert.rejects(
    eventually(
      () => {
        throw cause;
      },
      { what: 'an answer', timeoutMs: 5, intervalMs: 1 },
    ),
    { message: /last error: Error: connection refused/, cause },
  );
});
