import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TemplatePart } from '@causeway/model/template';

import { FilterChain } from '../filter-chain.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { applyJsonOp, type JsonOp } from './apply-json-op.ts';
import { parseExactJson, writeJson } from './exact-json.ts';
import { createTransformJsonFilter, type JsonChange, type TransformJsonSettings } from './transform-json.ts';

const keys = (pointer: string): string[] => (pointer === '' ? [] : pointer.slice(1).split('/'));

/** [document, op, path, from or value, result] */
const cases: [unknown, JsonOp['op'], string, unknown, unknown][] = [
  [{ a: 1 }, 'add', '/b', 2, { a: 1, b: 2 }],
  [{ a: 1 }, 'add', '/a', { c: 1 }, { a: { c: 1 } }],
  [{ a: 1 }, 'add', '/b/c', 2, { a: 1 }],
  [{ a: [1, 3] }, 'add', '/a/1', 2, { a: [1, 2, 3] }],
  [{ a: [1] }, 'add', '/a/-', 2, { a: [1, 2] }],
  [{ a: [1] }, 'add', '/a/1', 2, { a: [1, 2] }],
  [{ a: [1] }, 'add', '/a/2', 2, { a: [1] }],
  [{ a: [1] }, 'add', '/a/01', 2, { a: [1] }],
  [{ a: [1] }, 'add', '/a/length', 2, { a: [1] }],
  [1, 'add', '/a', 2, 1],
  [1, 'add', '', 2, 2],
  [{ a: 1 }, 'replace', '/a', 2, { a: 2 }],
  [{ a: 1 }, 'replace', '/b', 2, { a: 1 }],
  [{ a: [1, 2] }, 'replace', '/a/0', 9, { a: [9, 2] }],
  [{ a: [1, 2] }, 'replace', '/a/-', 9, { a: [1, 2] }],
  [{ a: 1 }, 'replace', '', [1], [1]],
  [{ a: 1, b: 2 }, 'remove', '/a', undefined, { b: 2 }],
  [{ a: 1 }, 'remove', '/b', undefined, { a: 1 }],
  [{ a: [1, 2, 3] }, 'remove', '/a/1', undefined, { a: [1, 3] }],
  [{ a: [1] }, 'remove', '/a/-', undefined, { a: [1] }],
  [{ a: 1 }, 'remove', '/toString', undefined, { a: 1 }],
  [{ a: { b: 1 } }, 'move', '/c', '/a/b', { a: {}, c: 1 }],
  [{ a: { b: 1 } }, 'move', '/c', '/a/x', { a: { b: 1 } }],
  [{ a: 1 }, 'move', '/x/y', '/a', { a: 1 }],
  [{ a: [1, 2, 3] }, 'move', '/a/2', '/a/0', { a: [2, 3, 1] }],
  [{ a: [1, 2, 3] }, 'move', '/a/-', '/a/0', { a: [2, 3, 1] }],
  [{ a: [1, 2] }, 'move', '/a/2', '/a/0', { a: [1, 2] }],
  [{ a: { b: 1 } }, 'move', '', '/a', { b: 1 }],
  [{ a: { b: 1 } }, 'copy', '/c', '/a', { a: { b: 1 }, c: { b: 1 } }],
  [{ a: { b: 1 } }, 'copy', '/a/c', '', { a: { b: 1, c: { a: { b: 1 } } } }],
];

describe('changes of a JSON document', () => {
  for (const [before, op, path, other, after] of cases)
    it(`${op} ${path} ${JSON.stringify(other)} in ${JSON.stringify(before)}`, () => {
      const takesFrom = op === 'move' || op === 'copy';
      const from = takesFrom ? keys(other as string) : [];
      const root = applyJsonOp(structuredClone(before), { op, path: keys(path), from }, other);
      assert.deepEqual(root, after);
    });

  it('take __proto__ for a key like any other', () => {
    const root = parseExactJson(Buffer.from('{"__proto__":{"a":1},"b":2}'));
    const changed = applyJsonOp(root, { op: 'add', path: ['__proto__', 'c'], from: [] }, 3);
    assert.equal(String(writeJson(changed)), '{"__proto__":{"a":1,"c":3},"b":2}');
    assert.equal((Object.prototype as { c?: unknown }).c, undefined);
  });

  it('cannot multiply a document without end', () => {
    let root: unknown = { a: Array.from({ length: 50_000 }, () => 1) };
    assert.throws(() => {
      for (let at = 0; at < 5; at += 1)
        root = applyJsonOp(root, { op: 'copy', path: ['a', '-'], from: ['a'] }, undefined);
    }, RangeError);
  });
});

const change = (op: JsonOp['op'], path: string, value?: unknown, from = ''): JsonChange => ({
  op,
  path: keys(path),
  from: keys(from),
  value: value === undefined ? undefined : JSON.stringify(value),
  texts: typeof value === 'string' ? [{ at: [], text: partsOf(value) }] : [],
});

/** A text, or one part that is a header. */
function partsOf(text: string): readonly TemplatePart[] {
  const name = /^\$\{request\.header\.(.*)\}$/.exec(text)?.[1];
  return [name === undefined ? text : { source: 'request.header.', name }];
}

async function run(settings: Partial<TransformJsonSettings>, init: Partial<FakeOwner> = {}) {
  const filter = createTransformJsonFilter('t', {
    request: [],
    response: [],
    bodyBytesMax: 100,
    ...settings,
  });
  const owner = Object.assign(new FakeOwner(new FilterChain([filter])), init);
  const { promise, resolve } = Promise.withResolvers<void>();
  owner.onSent = () => resolve();
  owner.chain.requestHead(owner);
  await promise;
  return owner;
}

const json = ['content-type', 'application/json; charset=utf-8'];

describe('transformJson', () => {
  it('changes requests, keeps numbers as they were written, and fills in templates', async () => {
    const body = '{"id":12345678901234567890, "price": 1.10,"secret":"x","z":-0}';
    const owner = await run(
      {
        request: [
          change('remove', '/secret'),
          change('add', '/by', '${request.header.x-user}'),
          change('add', '/no', '${request.header.none}'),
        ],
      },
      {
        hasRequestBody: true,
        requestBody: Buffer.from(body),
        upstreamFields: [...json, 'content-digest', 'x'],
        headers: new Map([['x-user', Buffer.from('Zoë').toString('latin1')]]),
      },
    );
    assert.equal(String(owner.requestBody), '{"id":12345678901234567890,"price":1.10,"z":-0,"by":"Zoë"}');
    assert.deepEqual(owner.upstreamFields, json);
  });

  it('refuses requests that it cannot change, and leaves others alone', async () => {
    const settings = { request: [change('remove', '/a')] };
    const init = { hasRequestBody: true, requestBody: Buffer.from('{'), upstreamFields: [...json] };
    const statusOf = async (more: Partial<FakeOwner>): Promise<number> =>
      (await run(settings, { ...init, upstreamFields: [...json], ...more })).responseStatus;
    assert.equal(await statusOf({}), 400);
    assert.equal(await statusOf({ requestBody: Buffer.alloc(101) }), 413);
    assert.equal(await statusOf({ requestBody: Buffer.from('{"a":"\xff"}', 'latin1') }), 400);
    assert.equal(await statusOf({ upstreamFields: [...json, 'content-encoding', 'gzip'] }), 400);
    assert.equal(await statusOf({ upstreamFields: ['content-type', 'text/plain'] }), 0);
    assert.equal(await statusOf({ requestBody: new Uint8Array() }), 0);
  });

  it('changes responses, and lets none pass that it could not change', async () => {
    const settings = { response: [change('remove', '/password')] };
    const answer = async (status: number, body: string, fields: string[]): Promise<FakeOwner> => {
      const owner = await run(settings, {
        upstreamFields: ['accept-encoding', 'gzip', 'range', 'bytes=0-1', 'a', 'b'],
      });
      assert.deepEqual(owner.upstreamFields, ['a', 'b']);
      const { promise, resolve } = Promise.withResolvers<void>();
      owner.onSent = () => resolve();
      owner.responseBody = Buffer.from(body);
      owner.responseStatus = status;
      owner.responseFields = fields;
      owner.chain.responseHead(owner);
      await promise;
      return owner;
    };
    const good = await answer(200, '{"a":1,"password":"x"}', [...json, 'etag', '"v1"', 'digest', 'd']);
    assert.equal(String(good.responseBody), '{"a":1}');
    assert.deepEqual(good.responseFields, [...json, 'etag', 'W/"v1"']);
    assert.equal((await answer(200, 'no json', [...json])).responseStatus, 502);
    assert.equal((await answer(200, `"${'x'.repeat(200)}"`, [...json])).responseStatus, 502);
    assert.equal((await answer(206, '{}', [...json])).responseStatus, 502);
    assert.equal((await answer(200, '{}', [...json, 'content-encoding', 'br'])).responseStatus, 502);
    assert.equal((await answer(200, 'plain', ['content-type', 'text/plain'])).responseStatus, 200);
  });
});
