import assert from 'node:assert/strict';
import { it } from 'node:test';
import { validateDocument } from '../validate-document.ts';

it('a limit and a quota of one Consumer have names of their own', () => {
  const pointersOf = (quotaName: string): unknown =>
    validateDocument({
      apiVersion: 'causeway/v1',
      kind: 'Consumer',
      metadata: { name: 'c' },
      spec: {
        limits: [{ name: 'a', requests: 1, per: '1s' }],
        quotas: [
          { name: 'b', requests: 1, per: 'day' },
          { name: quotaName, requests: 1, per: 'day' },
        ],
      },
    }).problems?.map(({ code, pointer }) => [code, pointer]);
  assert.deepEqual(pointersOf('a'), [['duplicate', '/spec/quotas/1/name']]);
  assert.equal(pointersOf('c'), undefined);
});
