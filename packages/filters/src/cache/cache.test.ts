import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { runAtOnce } from '@causeway/runtime/work-slices';

import type { Identity } from '../identity.ts';
import { CacheClient, CacheWorld, settled, type UpstreamAnswer } from '../testing/cache-world.ts';

const answer = (body: string, control = 'max-age=60', more: readonly string[] = []): UpstreamAnswer => ({
  status: 200,
  fields: ['cache-control', control, ...more],
  body,
});
const caller = (consumer: string | undefined, claims: Record<string, unknown> = {}): Identity => ({
  consumer,
  namespace: 'default',
  isConsumer: false,
  groups: [],
  scopes: [],
  claims,
});
const tagged = ['etag', '"v1"'];

function stored(world: CacheWorld, ...given: Parameters<CacheWorld['ask']>): CacheClient {
  const client = world.ask(...given);
  assert.equal(client.state, 'over', `${client.path} is stored`);
  return client;
}

describe('the cache', () => {
  it('tells callers apart by all that an upstream may know of them, and not by what every token has anew', () => {
    const world = new CacheWorld({ collapses: false });
    const as = (identity: Identity) => world.ask('/a', { identity });
    as(caller('acme', { sub: 'ann', exp: 1, jti: 'x' })).answer(answer('for ann'));
    assert.equal(as(caller('acme', { exp: 2, jti: 'y', sub: 'ann' })).body, 'for ann');
    for (const other of [
      caller('acme', { sub: 'bob', exp: 1 }),
      caller('acme'),
      caller('other', { sub: 'ann' }),
    ])
      assert.equal(as(other).state, 'asking');
    assert.equal(world.ask('/a').state, 'asking');
  });

  it('gives what answers one Authorization to no other, whoever the gateway knows the caller to be', async () => {
    const world = new CacheWorld({ staleWhileRevalidateMs: 60_000 });
    const identity = caller('acme');
    const as = (user: string, path: string) => world.ask(path, { identity }, { authorization: user });
    as('ann', '/a').answer(answer('for ann'));
    as('bob', '/a').answer(answer('for bob'));
    world.ask('/a', { identity }).answer(answer('for nobody'));
    for (const user of ['ann', 'bob']) assert.equal(as(user, '/a').body, `for ${user}`);

    // Nobody waits for what is another's.
    assert.deepEqual([as('ann', '/b').state, as('bob', '/b').state], ['asking', 'asking']);

    // What is asked for behind the back of one is not the other's either, nor what was confirmed for him.
    as('ann', '/c').answer(answer('for ann', 'max-age=1', tagged));
    world.pass(2000);
    assert.equal(as('ann', '/c').cached, 'stale');
    const bob = as('bob', '/c');
    assert.ok(!bob.upstreamFields.includes('if-none-match'));
    world.refreshing.shift()!.answer(answer('newer for ann'));
    await settled();
    bob.answer(answer('for bob'));
    assert.deepEqual([as('ann', '/c').body, as('bob', '/c').body], ['newer for ann', 'for bob']);

    as('ann', '/d').answer(answer('for all', 'public, max-age=60'));
    assert.equal(as('bob', '/d').body, 'for all');
  });

  it('tells callers apart by credentials that go upstream elsewhere', () => {
    const world = new CacheWorld();
    const as = (credentials: string) => world.ask('/a', { identity: { ...caller('acme'), credentials } });
    as('one').answer(answer('one'));
    assert.deepEqual([as('two').state, as('one').body], ['asking', 'one']);
  });

  it('tells requests apart that a filter before it has led elsewhere', () => {
    const world = new CacheWorld({ collapses: false });
    const ask = (target: string) => {
      const client = new CacheClient(world, '/a', {});
      client.rewriteTarget(target, undefined);
      world.chain.requestHead(client);
      return client;
    };
    ask('/one').answer(answer('one'));
    assert.equal(ask('/two').state, 'asking');
    assert.equal(ask('/one').body, 'one');
    runAtOnce(world.store.purge({ path: '/a' }));
    assert.equal(world.store.counts.entries, 0);
  });

  it('keeps nothing for callers of whom nothing is known, unless it is for all', () => {
    const world = new CacheWorld();
    const unnamed = { identity: caller(undefined) };
    world.ask('/a', unnamed).answer(answer('one'));
    world.ask('/a', unnamed).answer(answer('two', 'public, max-age=60'));
    assert.equal(stored(world, '/a', unnamed).body, 'two');
    const judged = new CacheWorld();
    const elsewhere = { isJudgedElsewhere: true };
    judged.ask('/a', elsewhere).answer(answer('one'));
    assert.equal(judged.ask('/a', elsewhere).state, 'asking');
  });

  it('lets others wait for one, and gives each what fits', async () => {
    const world = new CacheWorld();
    const first = world.ask('/a', {}, { accept: 'x' });
    const same = world.ask('/a', {}, { accept: 'x' });
    const other = world.ask('/a', {}, { accept: 'y' });
    const head = world.ask('/a', { method: 'HEAD' }, { accept: 'x' });
    first.head(answer('x', 'max-age=60', ['vary', 'accept']));
    await settled();
    assert.deepEqual([same.state, other.state, head.state], ['waiting', 'asking', 'waiting']);
    first.rest(answer('x'));
    await settled();
    assert.deepEqual([same.body, same.cached, head.body, head.state], ['x', 'collapsed', '', 'over']);
  });

  it('holds nobody up behind a slow body, a failure, or an answer that is for nobody else', async () => {
    const world = new CacheWorld();
    for (const end of [
      (client: CacheClient) => {
        client.head(answer('a'));
        world.pass(2000);
      },
      (client: CacheClient) => client.fail(),
      (client: CacheClient) => client.answer(answer('a', 'private')),
      (client: CacheClient) => client.answer({ ...answer('a'.repeat(1001)), status: 200 }),
    ]) {
      world.pass(20_000);
      const path = `/${world.nowMs}`;
      const first = world.ask(path);
      const others = [world.ask(path), world.ask(path)];
      end(first);
      await settled();
      assert.deepEqual(
        others.map(({ state }) => state),
        ['asking', 'asking'],
      );
      for (const other of others) other.leave();
      first.leave();
    }
  });

  it('has callers wait for each other where the answer was for all before, and nowhere else', async () => {
    const world = new CacheWorld();
    const [ann, bob] = [{ identity: caller('ann') }, { identity: caller('bob') }];
    const first = world.ask('/a', ann);
    assert.deepEqual([world.ask('/a', ann).state, world.ask('/a', bob).state], ['waiting', 'asking']);
    first.answer(answer('one', 'public, max-age=1'));
    world.pass(2000);
    const [next, other] = [world.ask('/a', ann), world.ask('/a', bob)];
    assert.equal(other.state, 'waiting');
    next.head(answer('two', 'max-age=1'));
    await settled();
    assert.equal(other.state, 'asking', 'it is for all no more');
  });

  it('has nobody wait for what was not stored a moment ago', async () => {
    const world = new CacheWorld();
    world.ask('/a').answer(answer('a', 'private'));
    assert.deepEqual([world.ask('/a').state, world.ask('/a').state], ['asking', 'asking']);
    world.pass(10_000);
    assert.deepEqual([world.ask('/a').state, world.ask('/a').state], ['asking', 'waiting']);
  });

  it('has others wait though something about one request kept its answer from being stored', () => {
    const world = new CacheWorld();
    const waitsAfter = (path: string, headers: Record<string, string>, given: UpstreamAnswer): string => {
      world.ask(path, {}, headers).answer(given);
      assert.equal(world.store.counts.entries, 0);
      world.ask(path);
      return world.ask(path).state;
    };
    const known = { status: 304, fields: [...tagged, 'cache-control', 'max-age=60'], body: '' };
    assert.equal(waitsAfter('/a', { 'if-none-match': '"v1"' }, known), 'waiting');
    assert.equal(waitsAfter('/b', { authorization: 'Bearer x' }, answer('b')), 'waiting');
    assert.equal(
      waitsAfter('/c', { accept_encoding: 'x' }, answer('c', 'max-age=60', ['vary', 'accept-encoding'])),
      'waiting',
    );
    assert.equal(waitsAfter('/d', { 'cache-control': 'no-store' }, answer('d')), 'waiting');
    // Of its like they do not.
    const alike = { authorization: 'Bearer x' };
    world.ask('/b', {}, alike);
    assert.equal(world.ask('/b', {}, alike).state, 'asking');

    const cookies = new CacheWorld({ ttlMs: 60_000 });
    const silent = { status: 200, fields: [], body: 'e' };
    cookies.ask('/e', {}, { cookie: 'a=1' }).answer(silent);
    assert.deepEqual([cookies.ask('/e').state, cookies.ask('/e').state], ['asking', 'waiting']);
  });

  it('has the next one lead when the first goes, but no HEAD', async () => {
    const world = new CacheWorld();
    const first = world.ask('/a');
    const head = world.ask('/a', { method: 'HEAD' });
    const [second, third] = [world.ask('/a'), world.ask('/a')];
    first.leave();
    await settled();
    assert.deepEqual([head.state, second.state, third.state], ['asking', 'asking', 'waiting']);
    second.answer(answer('two'));
    await settled();
    assert.equal(third.body, 'two');
  });

  it('renews in the background once, through a condition, and not for a while after a failure', async () => {
    const world = new CacheWorld({ staleWhileRevalidateMs: 60_000 });
    world.ask('/a').answer(answer('one', 'max-age=1', tagged));
    world.pass(2000);
    assert.deepEqual([stored(world, '/a').body, stored(world, '/a').cached], ['one', 'stale']);
    assert.equal(world.refreshing.length, 1);
    assert.ok(world.refreshing[0]!.fields.includes('if-none-match'));
    world.refreshing.shift()!.answer(undefined);
    await settled();
    stored(world, '/a');
    assert.equal(world.refreshing.length, 0);
    world.pass(1000);
    stored(world, '/a');
    world.refreshing.shift()!.answer({ status: 304, fields: ['cache-control', 'max-age=60'], body: '' });
    await settled();
    assert.deepEqual([stored(world, '/a').cached, stored(world, '/a').body], ['hit', 'one']);
    world.pass(61_000);
    assert.equal(stored(world, '/a', { method: 'HEAD' }).cached, 'stale');
    assert.equal(world.refreshing.length, 0);
    stored(world, '/a');
    world.refreshing.shift()!.answer(answer('two'));
    await settled();
    assert.equal(stored(world, '/a').body, 'two');
  });

  it('takes no condition of a client for its own in the background', async () => {
    const world = new CacheWorld({ staleWhileRevalidateMs: 60_000 });
    world.ask('/a').answer(answer('one', 'max-age=1'));
    world.pass(2000);
    stored(world, '/a', {}, { 'if-none-match': '"v2"' });
    const [refreshing] = world.refreshing.splice(0);
    assert.ok(!refreshing!.fields.includes('if-none-match'));
    refreshing!.answer({ status: 304, fields: ['cache-control', 'max-age=60'], body: '' });
    await settled();
    assert.equal(world.ask('/a').state, 'asking', 'nothing was confirmed');
  });

  it('gives way to a 404 and stands in for a 503', async () => {
    const world = new CacheWorld({ staleIfErrorMs: 60_000 });
    world.ask('/a').answer(answer('one', 'max-age=1'));
    world.pass(2000);
    const failed = world.ask('/a');
    const waits = world.ask('/a');
    failed.answer({ status: 503, fields: [], body: 'down' });
    await settled();
    assert.deepEqual([failed.responseStatus, failed.body, waits.body], [200, 'one', 'one']);
    assert.match(failed.header('cache-status')!, /^causeway; fwd=stale; fwd-status=503; ttl=-1$/);
    // For a moment the upstream is left alone.
    assert.equal(stored(world, '/a').cached, 'stale');
    world.pass(1000);
    world.ask('/a').fail();
    world.pass(1000);
    world.ask('/a').answer({ status: 404, fields: [], body: 'gone' });
    assert.equal(world.ask('/a').state, 'asking');
    assert.equal(world.store.counts.entries, 0);
  });

  it('gives parts of what is fresh, and stores none', () => {
    const world = new CacheWorld();
    world.ask('/a').answer(answer('0123456789', 'max-age=60', [...tagged, 'last-modified', 'Tue']));
    const given = (range: string, more: Record<string, string> = {}): unknown[] => {
      const client = stored(world, '/a', {}, { range, ...more });
      return [client.responseStatus, client.body, client.header('content-range')];
    };
    const whole = [200, '0123456789', undefined];
    assert.deepEqual(given('bytes=0-0'), [206, '0', 'bytes 0-0/10']);
    assert.deepEqual(given('Bytes=3-'), [206, '3456789', 'bytes 3-9/10']);
    assert.deepEqual(given('bytes=8-99'), [206, '89', 'bytes 8-9/10']);
    assert.deepEqual(given('bytes=-2'), [206, '89', 'bytes 8-9/10']);
    assert.deepEqual(given('bytes=-99'), [206, '0123456789', 'bytes 0-9/10']);
    assert.deepEqual(given('bytes=10-'), [416, '', 'bytes */10']);
    assert.deepEqual(given('bytes=-0'), [416, '', 'bytes */10']);
    for (const all of ['bytes=0-1,3-4', 'bytes=4-3', 'bytes=-', 'lines=1-2', `bytes=${'9'.repeat(30)}-`])
      assert.deepEqual(given(all), whole, all);
    assert.deepEqual(given('bytes=0-0', { 'if-range': '"v1"' }), [206, '0', 'bytes 0-0/10']);
    assert.deepEqual(given('bytes=0-0', { 'if-range': 'Tue' }), [206, '0', 'bytes 0-0/10']);
    for (const condition of ['"v2"', 'W/"v1"', 'Wed'])
      assert.deepEqual(given('bytes=0-0', { 'if-range': condition }), whole, condition);
    assert.equal(given('bytes=0-0', { 'if-none-match': '"v1"' })[0], 304);
    assert.equal(stored(world, '/a', { method: 'HEAD' }, { range: 'bytes=0-0' }).responseStatus, 200);
    world.pass(60_000);
    const only = { range: 'bytes=0-0', 'cache-control': 'only-if-cached' };
    assert.equal(stored(world, '/a', {}, only).responseStatus, 504);
    const part = world.ask('/a', {}, { range: 'bytes=0-0' });
    assert.deepEqual(
      [part.state, part.cached, part.upstreamFields.includes('range')],
      ['asking', 'bypass', true],
    );
    assert.equal(world.ask('/a').state, 'asking', 'nobody waits for a part');
  });

  it('confirms what is stored for a client of any condition', async () => {
    const world = new CacheWorld();
    world.ask('/a').answer(answer('one', 'max-age=1', [...tagged, 'x-a', '1']));
    world.pass(2000);
    const client = world.ask('/a', {}, { 'if-none-match': '"other"' });
    assert.deepEqual(client.upstreamFields.slice(-2), ['if-none-match', '"v1"']);
    client.answer({ status: 304, fields: ['cache-control', 'max-age=60', 'x-a', '2'], body: '' });
    await settled();
    assert.deepEqual([client.responseStatus, client.body, client.header('x-a')], [200, 'one', '2']);
    const known = stored(world, '/a', {}, { 'if-none-match': 'W/"v1"' });
    assert.deepEqual([known.responseStatus, known.body, known.header('x-a')], [304, '', '2']);
    // A condition of the client's own says nothing to others.
    const alone = world.ask('/b', {}, { 'if-none-match': '"b"' });
    assert.equal(world.ask('/b').state, 'asking');
    alone.answer({ status: 304, fields: [], body: '' });
    assert.equal(alone.responseStatus, 304);
  });

  it('does not bring back what was purged or changed while it was on its way', async () => {
    const world = new CacheWorld({ staleWhileRevalidateMs: 60_000 });
    const purged = world.ask('/a');
    purged.head(answer('old'));
    runAtOnce(world.store.purge({ route: 'default/r' }));
    purged.rest(answer('old'));
    assert.equal(world.ask('/a').state, 'asking');

    world.ask('/b').answer(answer('old', 'max-age=1'));
    world.pass(2000);
    stored(world, '/b');
    world.ask('/b', { method: 'PUT' }).answer({ status: 204, fields: [], body: '' });
    world.refreshing.shift()!.answer(answer('old'));
    await settled();
    assert.equal(world.ask('/b').state, 'asking');
    assert.deepEqual(world.changed, ['/b']);
  });

  it('does nothing more for a request that waited and was answered otherwise', async () => {
    const world = new CacheWorld();
    const first = world.ask('/a');
    const late = world.ask('/a');
    late.fail();
    first.leave();
    await settled();
    assert.deepEqual([late.state, late.body], ['over', 'failed']);
    assert.equal(world.ask('/a').state, 'asking');
  });

  it('lets nothing older take the place of what came meanwhile', async () => {
    const world = new CacheWorld({ collapses: false });
    const slow = world.ask('/a');
    slow.head(answer('one'));
    world.pass(1);
    world.ask('/a').answer(answer('two', 'max-age=1', tagged));
    slow.rest(answer('one'));
    assert.equal(stored(world, '/a').body, 'two');
    world.pass(2000);
    const late = world.ask('/a');
    world.ask('/a').answer(answer('three'));
    late.answer({ status: 304, fields: ['cache-control', 'max-age=60'], body: '' });
    await settled();
    assert.deepEqual([late.body, stored(world, '/a').body], ['two', 'three']);
  });

  it('does not stand in by what was purged meanwhile', () => {
    const world = new CacheWorld({ staleIfErrorMs: 60_000 });
    world.ask('/a').answer(answer('one', 'max-age=1'));
    world.pass(2000);
    const client = world.ask('/a');
    runAtOnce(world.store.purge({}));
    client.fail();
    assert.equal(client.responseStatus, 502);
  });

  it('lets an unsafe request that failed change nothing, and one of another host neither', () => {
    const world = new CacheWorld();
    world.ask('/a').answer(answer('a'));
    world.ask('/a', { method: 'DELETE' }).answer({ status: 409, fields: [], body: '' });
    world.ask('/a', { method: 'OPTIONS' }).answer({ status: 204, fields: [], body: '' });
    world.ask('/b', { method: 'POST' }).answer({
      status: 201,
      fields: ['location', 'http://b.test/a', 'content-location', 'mailto:a'],
      body: '',
    });
    assert.equal(stored(world, '/a').body, 'a');
    world.ask('/b', { method: 'POST' }).answer({ status: 201, fields: ['location', '/a'], body: '' });
    assert.equal(world.ask('/a').state, 'asking');
  });

  it('begins with nothing when what is behind it changes, and keys by what that puts into answers', () => {
    const behind = (name: string) => ({
      kind: 'test',
      name,
      sources: [
        { source: 'request.header.' as const, name: 'x-a' },
        { source: 'request.id' as const, name: '' },
      ],
    });
    const world = new CacheWorld({}, [behind('one')]);
    world.ask('/a', {}, { 'x-a': '1' }).answer(answer('one'));
    assert.equal(world.ask('/a', {}, { 'x-a': '2' }).state, 'asking');
    assert.equal(stored(world, '/a', {}, { 'x-a': '1' }).body, 'one');
    const plugin = new CacheWorld({}, [{ kind: 'plugin', name: 'p', sources: 'any' }]);
    plugin.ask('/a', { identity: caller('ann') }).answer(answer('for ann', 'public, max-age=60'));
    assert.equal(plugin.ask('/a', { identity: caller('bob') }).state, 'asking');
  });

  it('holds its bytes, also of what is on its way', () => {
    const world = new CacheWorld({ entryBytesMax: 4000 }, [], 20_000);
    const { counts } = world.store;
    const [one, two] = [world.ask('/1'), world.ask('/2')];
    for (const client of [one, two]) client.head(answer('x'));
    // The second one's body finds no room.
    for (const client of [one, two]) client.responsePass!.write(Buffer.alloc(3600));
    for (const client of [one, two]) client.responsePass!.end();
    assert.deepEqual([stored(world, '/1').cached, world.ask('/2').state], ['hit', 'asking']);
    for (const path of ['/3', '/4', '/5']) world.ask(path).answer(answer('x'.repeat(3000)));
    assert.deepEqual([counts.entries, counts.evicted], [3, 1]);
    // What is on its way takes room of what is stored.
    const next = world.ask('/6');
    next.head(answer('x'));
    next.responsePass!.write(Buffer.alloc(3600));
    assert.deepEqual([counts.entries, counts.evicted], [2, 2]);
    world.store.resize(0);
    assert.deepEqual([counts.bytes, counts.entries], [0, 0]);
  });

  it('counts all that an answer takes', () => {
    const bytesOf = (path: string, more: readonly string[] = [], headers: Record<string, string> = {}) => {
      const world = new CacheWorld();
      world.ask(path, {}, headers).answer(answer('x', 'max-age=60', more));
      return world.store.counts.bytes;
    };
    const long = 'x'.repeat(5000);
    assert.ok(bytesOf('/a', ['vary', 'accept'], { accept: long }) > bytesOf('/a') + 5000);
    // In the key, in the place, and in the name of the place.
    assert.ok(bytesOf(`/${long}`) > bytesOf('/a') + 14_900);
  });

  it('puts together what comes byte by byte', () => {
    const world = new CacheWorld({ entryBytesMax: 10_000 });
    const client = world.ask('/a');
    client.head(answer(''));
    const bytes = Array.from({ length: 9000 }, (_, at) => at % 256);
    for (const byte of bytes) client.responsePass!.write(Uint8Array.of(byte));
    client.responsePass!.end();
    assert.deepEqual([...stored(world, '/a').chunks[0]!], bytes);
  });

  it('has nobody wait and says that nothing is stored where there is no room', () => {
    const world = new CacheWorld({}, [], 0);
    const [one, two] = [world.ask('/a'), world.ask('/a')];
    assert.deepEqual([one.state, two.state], ['asking', 'asking']);
    for (const client of [one, two]) {
      client.answer(answer('a'));
      assert.equal(client.header('cache-status'), 'causeway; fwd=miss; detail=no-room');
    }
    const small = new CacheWorld({}, [], 2500);
    const large = small.ask('/a');
    large.responseBytes = 1000;
    large.answer(answer('x'.repeat(1000)));
    assert.equal(large.header('cache-status'), 'causeway; fwd=miss; detail=no-room');
  });
});
