import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenApi } from '@causeway/schema/openapi/open-api';

import type { Refusal } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { createValidateFilter, type ValidateSettings } from './validate.ts';

const order = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } };

async function run(rules: ValidateSettings['rules'], init: Partial<FakeOwner> = {}): Promise<FakeOwner> {
  const filter = createValidateFilter('v', { rules, bodyBytesMax: 100 });
  const owner = Object.assign(new FakeOwner(new FilterChain([filter])), init);
  const { promise, resolve } = Promise.withResolvers<void>();
  owner.onSent = () => resolve();
  owner.chain.requestHead(owner);
  await promise;
  return owner;
}

const withBody = (body: string): Partial<FakeOwner> => ({
  method: 'POST',
  hasRequestBody: true,
  requestBody: Buffer.from(body),
});

describe('validate', () => {
  it('lets pass what fits, body unchanged', async () => {
    const owner = await run({ body: order }, withBody('{"id": 1}'));
    assert.deepEqual([owner.log, String(owner.requestBody)], [['request'], '{"id": 1}']);
  });

  it('tells every fault with its place, and nothing of what was sent', async () => {
    const { response } = await run(
      { query: { required: ['page'] }, headers: { required: ['x-tenant'] } },
      { query: 'secret=1' },
    );
    const { reason, detail, members } = response as Refusal;
    assert.deepEqual(
      [reason, detail, members],
      [
        'bad_request',
        'The request does not fit the API: query /page is missing. There is 1 more.',
        {
          errors: [
            { in: 'query', pointer: '/page', detail: 'is missing' },
            { in: 'header', pointer: '/x-tenant', detail: 'is missing' },
          ],
        },
      ],
    );
    const wrong = (await run({ body: order }, withBody('{"id":"secret"}'))).response as Refusal;
    assert.deepEqual(wrong.members, { errors: [{ in: 'body', pointer: '/id', detail: 'must be integer' }] });
  });

  it('reads no body that is encoded, or too large', async () => {
    const statusOf = async (init: Partial<FakeOwner>): Promise<number> =>
      (await run({ body: order }, { ...withBody('{"id":1}'), ...init })).responseStatus;
    assert.equal(await statusOf({ headers: new Map([['content-encoding', 'gzip']]) }), 400);
    assert.equal(await statusOf({ headers: new Map([['content-encoding', 'identity']]) }), 0);
    const typed = (type: string) => statusOf({ headers: new Map([['content-type', type]]) });
    assert.equal(await typed('application/json; Charset="UTF-8"'), 0);
    assert.equal(await typed('application/json;charset=utf-16'), 400);
    assert.equal(await typed('application/json; charset=utf-8; charset=utf-7'), 400);
    assert.equal(await statusOf({ requestBody: Buffer.alloc(101) }), 413);
    assert.equal(await statusOf({ readRequestBody: () => 'noRoom' }), 503);
  });

  it('asks the ApiSpec that it names, and lets nothing pass without it', async () => {
    const openApi = new OpenApi({ openapi: '3.1.0', paths: { '/a': { get: {} } } });
    const apiSpecs = new Map([['default/orders', openApi]]);
    assert.deepEqual((await run('default/orders', { apiSpecs })).log, ['request']);
    assert.equal((await run('default/orders', { apiSpecs, path: '/b' })).responseStatus, 400);
    assert.equal((await run('default/gone', { apiSpecs })).responseStatus, 500);
  });
});
