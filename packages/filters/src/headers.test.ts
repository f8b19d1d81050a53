import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TemplatePart } from '@causeway/model/template';
import { FilterChain } from './filter-chain.ts';
import { createHeadersFilter, type HeaderEdits } from './headers.ts';
import { FakeOwner } from './testing/fake-owner.ts';

const none: HeaderEdits = { rename: [], remove: [], set: [], add: [] };
const field = (name: string, ...value: TemplatePart[]) => ({ name, value });
const query = (name: string): TemplatePart => ({ source: 'request.query.', name });

function run(
  edits: { request?: Partial<HeaderEdits>; response?: Partial<HeaderEdits> },
  fields: string[],
  change: Partial<FakeOwner> = {},
): FakeOwner {
  const settings = { request: { ...none, ...edits.request }, response: { ...none, ...edits.response } };
  const owner = new FakeOwner(new FilterChain([createHeadersFilter('headers', settings)]));
  Object.assign(owner, { upstreamFields: [...fields] }, change);
  owner.chain.requestHead(owner);
  if (owner.log[0] !== 'request') return owner;
  owner.responseFields = [...fields];
  owner.chain.responseHead(owner);
  return owner;
}

describe('headers', () => {
  it('renames, removes, sets and adds, in this order', () => {
    const edits = {
      rename: [{ from: 'a', to: 'b' }],
      remove: ['c'],
      set: [field('d', 'new'), field('c', 'back')],
      add: [field('d', 'more')],
    };
    const fields = ['host', 'h', 'A', '1', 'b', '2', 'C', '3', 'D', '4', 'a', '5'];
    const changed = ['host', 'h', 'b', '1', 'b', '5', 'd', 'new', 'c', 'back', 'd', 'more'];
    assert.deepEqual(run({ request: edits }, fields).upstreamFields, changed);
    assert.deepEqual(run({ response: edits }, fields).responseFields, changed);
    assert.deepEqual(run({ request: edits }, fields).responseFields, fields);
  });

  it('renames nothing to what is there already', () => {
    const edits = { request: { rename: [{ from: 'a', to: 'b' }] } };
    assert.deepEqual(run(edits, ['b', '2']).upstreamFields, ['b', '2']);
  });

  it('lets no copy of the client stand for what it sets, however it is spelled', () => {
    const edits = { request: { set: [field('x-user', query('user'))] } };
    const forged = ['X-User', 'root', 'x_user', 'root', 'X_USER', 'root', 'x-users', 'kept'];
    assert.deepEqual(run(edits, forged, { query: 'user=joe' }).upstreamFields, [
      'x-users',
      'kept',
      'x-user',
      'joe',
    ]);
    // What has no value is not there either.
    assert.deepEqual(run(edits, forged).upstreamFields, ['x-users', 'kept']);
  });

  it('keeps cookies apart', () => {
    const edits = { response: { add: [field('set-cookie', 'b=2')] } };
    const cookies = ['set-cookie', 'a=1'];
    assert.deepEqual(run(edits, cookies).responseFields, ['set-cookie', 'a=1', 'set-cookie', 'b=2']);
  });

  it('leaves out what lacks a part, and puts parts of the request into responses', () => {
    const edits = { response: { add: [field('x-a', 'a ', query('a')), field('x-b', query('b'))] } };
    assert.deepEqual(run(edits, [], { query: 'a=1' }).responseFields, ['x-a', 'a 1']);
  });

  it('refuses a request that would end a line early, before anything is sent', () => {
    for (const side of ['request', 'response'] as const) {
      const owner = run({ [side]: { set: [field('x-a', query('a'))] } }, [], { query: 'a=1%0d%0ax-evil:+1' });
      assert.deepEqual([owner.refusals, owner.responseFields], [['headers bad_request'], []], side);
    }
  });
});
