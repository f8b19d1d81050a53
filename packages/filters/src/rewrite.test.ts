import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TemplatePart } from '@causeway/model/template';
import { FilterChain } from './filter-chain.ts';
import type { PathChangeSettings } from './path-change.ts';
import { createRedirectFilter, type RedirectSettings } from './redirect.ts';
import { createRewriteFilter, type RewriteSettings } from './rewrite.ts';
import { FakeOwner } from './testing/fake-owner.ts';

const query = (name: string): TemplatePart => ({ source: 'request.query.', name });
const capture = (name: string): TemplatePart => ({ source: 'path.', name });
const prefix = (path: string): PathChangeSettings => ({ kind: 'prefix', path });
const template = (...parts: TemplatePart[]): PathChangeSettings => ({ kind: 'template', parts });

function rewrite(settings: Partial<RewriteSettings>, change: Partial<FakeOwner> = {}): FakeOwner {
  const whole = { host: undefined, path: undefined, setQuery: [], removeQuery: [], ...settings };
  const owner = new FakeOwner(new FilterChain([createRewriteFilter('rewrite', whole)]));
  const { path = '/a/b', query: asked } = change;
  Object.assign(owner, { path, query: asked, matchedLength: 2 }, change);
  owner.chain.requestHead(owner);
  return owner;
}

const pathOf = (path: PathChangeSettings, change: Partial<FakeOwner> = {}): string => {
  const owner = rewrite({ path }, change);
  return owner.refusals[0] ?? owner.upstreamPath;
};

describe('rewrite of paths', () => {
  it('puts a prefix in place of what the match took', () => {
    assert.equal(pathOf(prefix('/x')), '/x/b');
    assert.equal(pathOf(prefix('/x/')), '/x/b');
    assert.equal(pathOf(prefix('/')), '/b');
    assert.equal(pathOf(prefix('/x/'), { path: '/a' }), '/x/');
    assert.equal(pathOf(prefix('/'), { path: '/a' }), '/');
    assert.equal(pathOf(prefix('/x'), { matchedLength: 0 }), '/x/a/b');
    assert.equal(pathOf(prefix('/'), { path: '/a//evil' }), 'rewrite bad_request');
    assert.equal(pathOf({ kind: 'exact', path: '/only' }), '/only');
  });

  it('puts captures into a template as they are, and everything else as a part of a segment', () => {
    const parameters = new Map([['rest', 'b/%2F/c']]);
    assert.equal(pathOf(template('/v1/', capture('rest')), { parameters }), '/v1/b/%2F/c');
    const asked = { query: 'q=a%2Fb%3Fx%23%C3%BC%25..' };
    assert.equal(pathOf(template('/v1/', query('q'), 'x'), asked), '/v1/a%2Fb%3Fx%23%C3%BC%25..x');
  });

  it('refuses a request that would lead elsewhere, or lacks a part', () => {
    for (const value of ['..', '.', '%2e%2e', '%2E.', '../a', 'a%2F..', 'a%5c..%5c', '%00'])
      assert.equal(
        pathOf(template('/v1/', query('q'), '/x'), { query: `q=${value}` }),
        'rewrite bad_request',
        value,
      );
    assert.equal(pathOf(template('/', query('q'), '/x'), { query: 'q=' }), 'rewrite bad_request');
    assert.equal(pathOf(template('/', query('q'))), 'rewrite bad_request');
    const parameters = new Map([['half', '%']]);
    assert.equal(pathOf(template('/', capture('half'), '2x'), { parameters }), 'rewrite bad_request');
  });
});

describe('rewrite of queries and hosts', () => {
  const queryOf = (settings: Partial<RewriteSettings>, asked: string | undefined) =>
    rewrite(settings, { query: asked }).upstreamQuery;

  it('removes and sets parameters, however their names are written, and leaves the others as they were sent', () => {
    assert.equal(queryOf({ removeQuery: ['debug'] }, 'a=%7e&debug=1&%64ebug&b'), 'a=%7e&b');
    assert.equal(queryOf({ removeQuery: ['debug'] }, 'debug=1'), undefined);
    assert.equal(queryOf({ removeQuery: ['debug'] }, undefined), undefined);
    const set = [{ name: 'a b', value: [query('x'), '&c=#'] }];
    assert.equal(queryOf({ setQuery: set }, 'x=1%26&a+b=2'), 'x=1%26&a%20b=1%26%26c%3D%23');
    assert.equal(queryOf({ setQuery: set }, 'a+b=2'), undefined);
    assert.equal(queryOf({ setQuery: [{ name: 'ü', value: ['ü'] }] }, undefined), '%C3%BC=%C3%BC');
  });

  it('names another host, first of all fields, or leaves it to the endpoint', () => {
    const upstreamFields = ['host', 'a.test', 'x-forwarded-host', 'a.test'];
    const fieldsOf = (host: string) =>
      rewrite({ host }, { upstreamFields: [...upstreamFields] }).upstreamFields;
    assert.deepEqual(fieldsOf('b.test:8443'), ['host', 'b.test:8443', 'x-forwarded-host', 'a.test']);
    assert.deepEqual(fieldsOf('upstream'), ['x-forwarded-host', 'a.test']);
  });
});

describe('redirect', () => {
  const locationOf = (settings: Partial<RedirectSettings>, change: Partial<FakeOwner> = {}): string => {
    const nowhere = { status: 308, scheme: undefined, host: undefined, port: undefined, path: undefined };
    const filter = createRedirectFilter('redirect', { ...nowhere, ...settings });
    const owner = new FakeOwner(new FilterChain([filter]));
    Object.assign(owner, { path: '/a/b', query: 'x=1', authority: 'a.test:8080', matchedLength: 2 }, change);
    owner.chain.requestHead(owner);
    if (owner.refusals[0] !== undefined) return owner.refusals[0];
    assert.equal(owner.responseStatus, 308);
    return owner.responseFields[1]!;
  };

  it('changes what it is told to, and keeps the query', () => {
    assert.equal(locationOf({ scheme: 'https' }), 'https://a.test/a/b?x=1');
    assert.equal(locationOf({ scheme: 'https', port: 8443 }), 'https://a.test:8443/a/b?x=1');
    assert.equal(locationOf({ host: 'b.test' }), 'http://b.test:8080/a/b?x=1');
    assert.equal(locationOf({ port: 80 }), 'http://a.test/a/b?x=1');
    assert.equal(locationOf({ path: prefix('/new') }), 'http://a.test:8080/new/b?x=1');
    assert.equal(
      locationOf({ path: { kind: 'exact', path: '/' } }, { query: undefined }),
      'http://a.test:8080/',
    );
  });

  it('leads to no host that a path names', () => {
    assert.equal(locationOf({ scheme: 'https' }, { path: '//evil.test' }), 'https://a.test//evil.test?x=1');
    assert.equal(locationOf({ path: prefix('/') }, { path: '/a//evil.test' }), 'redirect bad_request');
    assert.equal(
      locationOf({ path: template('/', query('x')) }, { query: 'x=/evil.test' }).split('?')[0],
      'http://a.test:8080/%2Fevil.test',
    );
    assert.equal(
      locationOf({ path: template('/', query('x')) }, { query: 'x=%0d%0aa' }).split('?')[0],
      'http://a.test:8080/%0D%0Aa',
    );
    assert.equal(locationOf({ scheme: 'https' }, { host: '' }), 'redirect bad_request');
  });
});
