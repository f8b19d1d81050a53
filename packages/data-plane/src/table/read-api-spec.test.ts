import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';
import { readApiSpec } from './read-api-spec.ts';

const length = 50;
const next = (index: number) => ({ $ref: `#/components/schemas/S${index}` });
const schemas = Object.fromEntries(
  Array.from({ length }, (_, index) => [`S${index}`, { properties: { next: next((index + 1) % length) } }]),
);
const document = JSON.stringify({
  openapi: '3.1.0',
  paths: { '/a': { post: { requestBody: { content: { 'application/json': { schema: next(0) } } } } } },
  components: { schemas },
});
const post = {
  method: 'POST',
  path: '/a',
  query: undefined,
  hasRequestBody: true,
  requestHeader: (name: string) => (name === 'content-type' ? 'application/json' : undefined),
  upstreamFields: [],
};

describe('an OpenAPI document on a node', () => {
  it('is read and compiled in as many steps as it has schemas, and not by the first request', (context) => {
    assert.ok([...readApiSpec(document)].length > 2 * length);
    const rules = runAtOnce(readApiSpec(document));
    // The compiler makes functions of text.
    const compile = context.mock.method(globalThis, 'Function');
    assert.deepEqual(rules.judge(post).body?.judge(Buffer.from('{"next":{"next":{}}}')), []);
    assert.equal(compile.mock.callCount(), 0);
  });

  it('fails the requests that it judges where it is bad, and no table', () => {
    const rules = runAtOnce(readApiSpec('{"openapi":"2.0"}'));
    assert.throws(() => rules.judge(post), /needs openapi/);
  });
});
