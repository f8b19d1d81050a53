// Run it with: node --test

import assert from 'node:assert/strict';
import { it } from 'node:test';
import signedUrl, { signedQuery } from './signed-url.mjs';

process.env.LINK_KEY = 'a key';
const plugin = signedUrl({ name: 'links', config: { keyVariable: 'LINK_KEY' } });
const later = new Date(Date.now() + 60_000);

/** What the hook gives, and what goes upstream. */
function ask(path, query) {
  const asked = { hidden: [], target: undefined };
  const verdict = plugin.onRequestHead({
    path,
    query,
    upstreamPath: path,
    hideQuery: (name) => asked.hidden.push(name),
    rewriteTarget: (to, toQuery) => (asked.target = [to, toQuery]),
  });
  return { reason: verdict?.reason, ...asked };
}

it('lets signed links pass, without what signs them', () => {
  assert.deepEqual(ask('/a', signedQuery('a key', '/a', later)), {
    reason: undefined,
    hidden: ['signature'],
    target: ['/a', undefined],
  });
  assert.deepEqual(ask('/a', `b=1&${signedQuery('a key', '/a', later)}`).target, ['/a', 'b=1']);
});

it('refuses others', () => {
  assert.equal(ask('/a', undefined).reason, 'forbidden');
  assert.equal(ask('/b', signedQuery('a key', '/a', later)).reason, 'forbidden');
  assert.equal(ask('/a', signedQuery('another key', '/a', later)).reason, 'forbidden');
  assert.equal(ask('/a', signedQuery('a key', '/a', new Date(0))).reason, 'gone');
});

it('is not made without its key', () => {
  assert.throws(() => signedUrl({ name: 'links', config: { keyVariable: 'NOT_SET' } }), /NOT_SET is not set/);
});
