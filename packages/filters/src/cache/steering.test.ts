import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { CacheClient, CacheWorld, type UpstreamAnswer } from '../testing/cache-world.ts';

const answer = (body: string): UpstreamAnswer => ({
  status: 200,
  fields: ['cache-control', 'max-age=60'],
  body,
});

describe('the cache', () => {
  it('stores nothing of a request that an application may take for one of another method or parameter', () => {
    const world = new CacheWorld({ ttlMs: 60_000, queryNames: new Set(['page', 'page_no']) });
    world.ask('/a').answer(answer('good'));
    for (const name of ['x-http-method-override', 'X_HTTP_Method', 'x-method-override', 'x_host']) {
      const client = world.ask('/a', {}, { [name]: 'PUT', 'cache-control': 'no-cache' });
      assert.deepEqual([client.state, client.cached], ['asking', 'bypass'], name);
      client.answer({ status: 405, fields: [], body: 'bad' });
      assert.equal(world.ask('/a').body, 'good', name);
    }
    const ask = (query: string) => {
      const client = new CacheClient(world, '/a', {});
      client.rewriteTarget('/a', query);
      world.chain.requestHead(client);
      return client.cached;
    };
    const alike =
      'x=1;page=2 %20page=2 page%00=2 page%00x=2 page[]=2 page[a]=2 Page=2 +page page.no=2 page%5Bno=2';
    for (const query of [...alike.split(' '), 'page%20no=2', 'page;x=2', 'a&b;c=1;PAGE'])
      assert.equal(ask(query), 'bypass', query);
    for (const query of ['pages=1', 'x=page', 'x=1;pages=2', '_=1', 'a[page]=1'])
      assert.equal(ask(query), 'hit', query);
    assert.equal(ask('page=1;Page=2'), 'miss');
  });

  it('tells requests apart by what leads an application to another host or path', () => {
    const world = new CacheWorld();
    const ask = (headers: Record<string, string>) => world.ask('/a', {}, headers);
    ask({}).answer(answer('good'));
    const names =
      'x-host x-original-host x-original-url x-rewrite-url x-forwarded-prefix x-forwarded-ssl x-ssl-user';
    for (const name of names.split(' ')) {
      const headers = { [name]: 'evil' };
      const client = ask(headers);
      assert.equal(client.state, 'asking', name);
      client.answer(answer('evil'));
      assert.deepEqual([world.ask('/a').body, ask(headers).body], ['good', 'evil'], name);
    }
    // Whose request it was is told as in X-Forwarded-For.
    ask({ forwarded: 'for=1.2.3.4;proto=https' }).answer(answer('forwarded'));
    assert.equal(ask({ forwarded: 'For="[2001:db8::1]:80";proto=https' }).body, 'forwarded');
    for (const forwarded of [
      'for=1.2.3.4;proto=http',
      'for="1;host=evil";proto=https',
      'for=1;host=evil;proto=https',
    ])
      assert.equal(ask({ forwarded }).state, 'asking', forwarded);
    assert.equal(ask({ 'x-forwarded-for': '1.2.3.4' }).body, 'good');
  });
});
