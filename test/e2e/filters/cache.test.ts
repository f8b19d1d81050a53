// The cache as clients meet it: what is given again, to whom, for how long, and what it asks the upstream.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startTranscript } from '../gwctl/transcript.ts';
import { type Origin, startOrigin } from '../../kit/upstreams/origin.ts';

const scope = new OwnScope();
let system: System;
let origin: Origin;
let ports: number[];

interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** What Cache-Status says, without the name of the cache and the ttl. */
  readonly cache: string;
}

interface Asking {
  readonly headers?: Record<string, string>;
  readonly method?: string;
  /** Of the two. */
  readonly node?: number;
}

async function ask(path: string, { headers = {}, method = 'GET', node = 0 }: Asking = {}): Promise<Asked> {
  const url = `http://127.0.0.1:${ports[node]}${path}`;
  const answer = await request(url, { method: method as 'GET', headers });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  const isZipped = answer.headers['content-encoding'] === 'gzip' && bytes.length > 0;
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: (isZipped ? gunzipSync(bytes) : bytes).toString(),
    cache: String(answer.headers['cache-status'] ?? '')
      .replace(/^causeway; /, '')
      .replace(/; ttl=-?\d+/, ''),
  };
}

/** Answers with a body that tells which request of the path it was, and confirms its ETag. */
function answers(path: string, headers: Record<string, string>, status = 200): void {
  origin.on(path, (incoming, response) => {
    const nth = origin.asked(path).length;
    const { 'if-none-match': condition } = incoming.headers;
    if (condition !== undefined && condition === headers['etag']) response.writeHead(304, headers).end();
    else response.writeHead(status, headers).end(`${path} ${nth}`);
  });
}

const timesAsked = (path: string): number => origin.asked(path).length;
const minute = { 'cache-control': 'max-age=60' };
/** It is stale when it comes, without a wait. */
const old = { 'cache-control': 'max-age=60', age: '100' };

const cached = (name: string, ...filters: object[]): Resource =>
  route(name, `/${name}`, 'origin', { filters });

function resources(): Resource[] {
  const consumers = ['ann', 'bob'].map((name) => ({
    kind: 'Consumer',
    metadata: { name },
    spec: {
      keys: [
        { name: 'one', value: `key-of-${name}-0123456789` },
        { name: 'two', value: `next-of-${name}-0123456789` },
      ],
    },
  }));
  return [
    gateway({ limits: { cacheSize: '1MiB' } }),
    service('origin', [origin.port]),
    service('nobody', [1]),
    ...consumers,
    cached('plain', { cache: {} }),
    cached('ttl', { cache: { ttl: '1m', query: ['q'], vary: ['x-tenant'] } }),
    cached('soft', { cache: { staleWhileRevalidate: '1m', staleIfError: '1m' } }),
    cached('keyed', { apiKey: {} }, { cache: {} }),
    cached('shown', { apiKey: { forwardCredentials: true } }, { cache: { ttl: '1m' } }),
    cached(
      'judged',
      { externalAuth: { service: 'origin', path: '/judge', upstreamHeaders: ['x-user'] } },
      { cache: {} },
    ),
    cached('small', { compress: { minSize: '0B' } }, { cache: {} }),
    cached(
      'edited',
      { apiKey: {} },
      { cache: {} },
      { headers: { response: { set: { 'x-for': '${consumer.name}' } } } },
    ),
  ];
}

const as = (name: string): Asking => ({ headers: { 'x-api-key': `key-of-${name}-0123456789` } });

describe('cache', () => {
  before(async () => {
    origin = await startOrigin(scope);
    system = await startSystem(scope, {
      nodes: ['node-1', 'node-2'],
      workers: 1,
      resources: resources(),
    });
    ports = await Promise.all(system.nodes.map((node) => node.trafficPort()));
  });
  after(() => scope.end());

  it('gives an answer again while it is fresh, with its age, and to HEAD without its body', async () => {
    answers('/plain/fresh', { ...minute, 'content-type': 'text/plain', etag: '"v1"' });
    const first = await ask('/plain/fresh');
    const second = await ask('/plain/fresh');
    assert.deepEqual([first.body, first.cache], ['/plain/fresh 1', 'fwd=miss; stored']);
    const { body, cache, headers } = second;
    assert.deepEqual([body, cache, headers['content-type']], ['/plain/fresh 1', 'hit', 'text/plain']);
    assert.match(String(headers['age']), /^\d+$/);
    const head = await ask('/plain/fresh', { method: 'HEAD' });
    assert.deepEqual(
      [head.status, head.body, head.headers['content-length'], head.cache],
      [200, '', '14', 'hit'],
    );
    const known = await ask('/plain/fresh', { headers: { 'if-none-match': '"v0", W/"v1"' } });
    assert.deepEqual(
      [known.status, known.body, known.headers['etag'], known.headers['content-type']],
      [304, '', '"v1"', undefined],
    );
    assert.equal(timesAsked('/plain/fresh'), 1);
  });

  it('keeps connections in step where HEAD and GET are answered from one answer', async (t) => {
    answers('/plain/step', { ...minute, 'content-type': 'text/plain' });
    const client = await rawConnect(t, ports[0]!);
    const line = (method: string): string => `${method} /plain/step HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    await client.send(line('HEAD') + line('GET') + line('HEAD') + line('GET'));
    await client.expect('/plain/step 2');
    await client.expect('/plain/step 2');
    assert.equal(timesAsked('/plain/step'), 2);
  });

  it('answers over HTTP/2 what came over HTTP/1.1', async (t) => {
    answers('/plain/two', { ...minute, 'content-type': 'text/plain', etag: '"v1"' });
    await ask('/plain/two');
    const session = connectHttp2(`http://127.0.0.1:${ports[0]}`);
    t.after(() => session.destroy());
    const over = async (headers: Record<string, string>): Promise<unknown[]> => {
      const stream = session.request({ ':path': '/plain/two', ...headers });
      const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
      return [head[':status'], String(head['cache-status']).includes('hit'), await text(stream)];
    };
    assert.deepEqual(await over({}), [200, true, '/plain/two 1']);
    assert.deepEqual(await over({ ':method': 'HEAD' }), [200, true, '']);
    assert.deepEqual(await over({ 'if-none-match': '"v1"' }), [304, true, '']);
    assert.equal(timesAsked('/plain/two'), 1);
  });

  it('keeps nothing that may not be kept', async () => {
    const cases: [string, Record<string, string>, Record<string, string>?][] = [
      ['no-store', { 'cache-control': 'no-store, max-age=60' }],
      ['private', { 'cache-control': 'private, max-age=60' }],
      ['cookie', { ...minute, 'set-cookie': 'a=b' }],
      ['star', { ...minute, vary: '*' }],
      ['silent', {}],
      ['bearer', minute, { authorization: 'Bearer x' }],
      ['asked', minute, { 'cache-control': 'no-store' }],
      ['expired', { expires: '0' }],
    ];
    for (const [name, answer, headers = {}] of cases) {
      answers(`/plain/${name}`, answer);
      await ask(`/plain/${name}`, { headers });
      assert.equal((await ask(`/plain/${name}`, { headers })).body, `/plain/${name} 2`, name);
    }
    origin.on('/plain/broken', (_, response) => {
      response.writeHead(200, { ...minute, 'content-length': 100 }).write('half', () => response.destroy());
    });
    origin.on('/plain/cut', (_, response) => {
      response.writeHead(200, minute).write('half', () => response.destroy());
    });
    for (const path of ['/plain/broken', '/plain/cut']) {
      await assert.rejects(ask(path));
      answers(path, minute);
      assert.equal((await ask(path)).body, `${path} 2`);
    }
  });

  it('tells requests apart by what the answer varies with, and by nothing that looks like it', async () => {
    origin.on('/plain/vary', (incoming, response) => {
      const { 'accept-language': language = '-', x_tenant: alias } = incoming.headers;
      response
        .writeHead(200, { ...minute, vary: 'Accept-Language, X-Tenant' })
        .end(`${language} ${String(alias ?? '')}`);
    });
    const speak = async (language: string, more: Record<string, string> = {}): Promise<string> =>
      (await ask('/plain/vary', { headers: { 'accept-language': language, ...more } })).body;
    assert.deepEqual([await speak('de'), await speak('en'), await speak('de')], ['de ', 'en ', 'de ']);
    assert.equal(timesAsked('/plain/vary'), 2);
    assert.equal(await speak('fr', { x_tenant: 'evil' }), 'fr evil');
    assert.equal(await speak('fr'), 'fr ');
  });

  it('gives what is not public to its own caller alone', async () => {
    origin.on('/keyed/mine', (incoming, response) => {
      response.writeHead(200, minute).end(`for ${String(incoming.headers['x-consumer-name'])}`);
    });
    for (const name of ['ann', 'bob', 'ann', 'bob'])
      assert.equal((await ask('/keyed/mine', as(name))).body, `for ${name}`);
    assert.equal(timesAsked('/keyed/mine'), 2);
    assert.equal((await ask('/keyed/mine')).status, 401);

    answers('/keyed/all', { 'cache-control': 'public, max-age=60' });
    await ask('/keyed/all', as('ann'));
    assert.deepEqual((await ask('/keyed/all', as('bob'))).cache, 'hit');

    origin.on('/keyed/vary', (incoming, response) => {
      const headers = { 'cache-control': 'public, max-age=60', vary: 'x-consumer-name' };
      response.writeHead(200, headers).end(`for ${String(incoming.headers['x-consumer-name'])}`);
    });
    for (const name of ['ann', 'bob', 'ann'])
      assert.equal((await ask('/keyed/vary', as(name))).body, `for ${name}`);
    assert.equal(timesAsked('/keyed/vary'), 2);

    // What a filter puts of the caller into an answer is not for others either.
    answers('/edited/a', { 'cache-control': 'public, max-age=60' });
    for (const name of ['ann', 'bob', 'ann'])
      assert.equal((await ask('/edited/a', as(name))).headers['x-for'], name);
    assert.equal(timesAsked('/edited/a'), 2);
  });

  it('gives what answers credentials that the upstream sees to nobody with others', async () => {
    const see = (path: string, headers: Record<string, string>): void =>
      origin.on(path, (incoming, response) => {
        const { authorization, cookie, 'x-api-key': key } = incoming.headers;
        response.writeHead(200, headers).end([authorization, cookie, key].join());
      });
    see('/shown/mine', minute);
    see('/shown/silent', {});
    const key = as('ann').headers!;
    const others = [
      { ...key, cookie: 'session=one' },
      { ...key, cookie: 'session=two' },
      { ...key, authorization: 'Bearer one' },
      { ...key, authorization: 'Bearer two' },
      key,
      { 'x-api-key': 'next-of-ann-0123456789' },
    ];
    for (const headers of others.slice(2)) {
      const first = await ask('/shown/mine', { headers });
      assert.equal(first.cache, 'fwd=miss; stored');
      assert.deepEqual((await ask('/shown/mine', { headers })).body, first.body);
    }
    assert.equal(timesAsked('/shown/mine'), 4);
    const bodies: string[] = [];
    for (const headers of others) bodies.push((await ask('/shown/silent', { headers })).body);
    assert.equal(new Set(bodies).size, others.length);
  });

  it('keeps what another Service has let pass for everybody, and nothing else of it', async () => {
    origin.on('/judge', (incoming, response) => {
      response.writeHead(204, { 'x-user': String(incoming.headers.cookie) }).end();
    });
    for (const [path, control] of [
      ['/judged/mine', 'max-age=60'],
      ['/judged/all', 'public, max-age=60'],
    ] as const)
      origin.on(path, (incoming, response) => {
        response
          .writeHead(200, { 'cache-control': control })
          .end(`for ${String(incoming.headers['x-user'])}`);
      });
    const by = async (user: string, path: string): Promise<string> =>
      (await ask(path, { headers: { cookie: user } })).body;
    for (const user of ['ann', 'bob']) assert.equal(await by(user, '/judged/mine'), `for ${user}`);
    for (const user of ['ann', 'bob']) assert.equal(await by(user, '/judged/all'), 'for ann');
  });

  it('sends one request for a hundred, and none of them waits in vain', async () => {
    const held: (() => void)[] = [];
    const hold = (path: string, headers: Record<string, string>): void =>
      origin.on(path, (_, response) => {
        const nth = timesAsked(path);
        held.push(() => response.writeHead(200, headers).end(`${path} ${nth}`));
      });
    const release = (): void => held.splice(0).forEach((go) => go());
    const all = async (path: string) => Promise.all(Array.from({ length: 100 }, () => ask(path)));
    const active = (count: number) =>
      eventually(async () => (await scrape(system.nodes[0]!)).value('http_server_active_requests'), {
        what: `${count} requests are under way`,
        until: (value) => value === count,
      });

    hold('/plain/crowd', minute);
    const crowd = all('/plain/crowd');
    await active(100);
    assert.equal(held.length, 1);
    release();
    const bodies = new Set((await crowd).map(({ body }) => body));
    assert.deepEqual([...bodies, timesAsked('/plain/crowd')], ['/plain/crowd 1', 1]);

    // It turns out to be for nobody else: everybody asks at once.
    hold('/plain/own', { 'cache-control': 'private' });
    const own = all('/plain/own');
    await active(100);
    release();
    await eventually(() => held.length === 99, { what: 'the others ask too' });
    release();
    assert.equal(new Set((await own).map(({ body }) => body)).size, 100);

    // The client that went first leaves: another one takes its place.
    hold('/plain/left', minute);
    const leader = connect(ports[0]!, '127.0.0.1');
    leader.write('GET /plain/left HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await eventually(() => held.length === 1, { what: 'the first one asks' });
    const others = Promise.all(Array.from({ length: 10 }, () => ask('/plain/left')));
    await active(11);
    leader.resetAndDestroy();
    await eventually(() => held.length === 2, { what: 'another one asks' });
    release();
    assert.equal(new Set((await others).map(({ body }) => body)).size, 1);
    assert.equal(timesAsked('/plain/left'), 2);
  });

  it('asks whether a stale answer still stands', async () => {
    answers('/plain/stands', { ...old, etag: '"v1"', 'x-turn': 'a' });
    await ask('/plain/stands');
    const again = await ask('/plain/stands');
    assert.deepEqual([again.body, again.cache], ['/plain/stands 1', 'fwd=stale; fwd-status=304']);
    assert.equal(origin.asked('/plain/stands')[1]!.headers['if-none-match'], '"v1"');
    const known = await ask('/plain/stands', { headers: { 'if-none-match': 'W/"v1"' } });
    assert.equal(known.status, 304);
    answers('/plain/stands', { ...minute, etag: '"v2"' });
    assert.equal((await ask('/plain/stands')).body, '/plain/stands 4');
    assert.equal((await ask('/plain/stands')).cache, 'hit');
    const forced = await ask('/plain/stands', { headers: { 'cache-control': 'no-cache' } });
    assert.equal(forced.cache, 'fwd=request; fwd-status=304');
  });

  it('gives a stale answer while it asks in the background, or when the upstream fails', async () => {
    answers('/soft/behind', old);
    await ask('/soft/behind');
    answers('/soft/behind', minute);
    const stale = await ask('/soft/behind');
    assert.deepEqual([stale.body, stale.cache], ['/soft/behind 1', 'hit']);
    await eventually(async () => (await ask('/soft/behind')).body === '/soft/behind 2', {
      what: 'the answer is renewed',
    });
    assert.equal(timesAsked('/soft/behind'), 2);

    answers('/soft/error', { 'cache-control': 'max-age=60, stale-while-revalidate=0', age: '100' });
    await ask('/soft/error');
    answers('/soft/error', {}, 503);
    const instead = await ask('/soft/error');
    assert.deepEqual([instead.status, instead.body], [200, '/soft/error 1']);
    origin.on('/soft/error', (_, response) => response.destroy());
    assert.deepEqual((await ask('/soft/error')).body, '/soft/error 1');
    answers('/plain/error', old);
    await ask('/plain/error');
    answers('/plain/error', {}, 503);
    assert.equal((await ask('/plain/error')).status, 503);
  });

  it('forgets what an unsafe request may have changed', async () => {
    answers('/plain/thing', minute);
    answers('/plain/list', minute);
    await ask('/plain/thing');
    await ask('/plain/list');
    origin.on('/plain/thing', (incoming, response) => {
      const isPost = incoming.method === 'POST';
      response.writeHead(isPost ? 201 : 200, isPost ? { location: '/plain/./list' } : minute).end('changed');
    });
    assert.equal((await ask('/plain/thing', { method: 'POST' })).status, 201);
    assert.equal((await ask('/plain/thing')).body, 'changed');
    assert.equal((await ask('/plain/list')).body, '/plain/list 2');
    answers('/plain/thing', {}, 500);
    await ask('/plain/thing', { method: 'DELETE' });
    assert.equal((await ask('/plain/thing')).cache, 'hit');
  });

  it('takes ttl, query names and headers of the key as they are written', async () => {
    answers('/ttl/a', {});
    await ask('/ttl/a?q=1&utm=2');
    assert.equal((await ask('/ttl/a?utm=3&q=1')).cache, 'hit');
    assert.equal((await ask('/ttl/a?q=2')).body, '/ttl/a 2');
    assert.equal((await ask('/ttl/a?q=1', { headers: { 'x-tenant': 'a' } })).body, '/ttl/a 3');
    assert.equal((await ask('/ttl/a?q=1', { headers: { x_tenant: 'a' } })).cache, 'fwd=bypass');
    // Nobody said that it may be given to others.
    await ask('/ttl/b', { headers: { cookie: 'session=1' } });
    assert.equal((await ask('/ttl/b')).cache, 'fwd=miss; stored');
  });

  it('leaves alone what it has no say in', async () => {
    answers('/plain/part', minute);
    await ask('/plain/part');
    const part = await ask('/plain/part', { headers: { range: 'bytes=1-5' } });
    assert.deepEqual(
      [part.status, part.body, part.cache, part.headers['content-range']],
      [206, 'plain', 'hit', 'bytes 1-5/13'],
    );
    assert.equal((await ask('/plain/parts', { headers: { range: 'bytes=0-1' } })).cache, 'fwd=bypass');
    const missing = await ask('/plain/nowhere', { headers: { 'cache-control': 'only-if-cached' } });
    assert.deepEqual([missing.status, timesAsked('/plain/nowhere')], [504, 0]);
  });

  it('stands behind compression, which tells clients of its own', async () => {
    const page = 'all work and no play. '.repeat(100);
    origin.on('/small/a', (_, response) => {
      const headers = { ...minute, 'content-type': 'text/plain', etag: '"v1"' };
      response.writeHead(200, headers).end(page);
    });
    const zip = { headers: { 'accept-encoding': 'gzip' } };
    for (const cache of ['fwd=miss; stored', 'hit']) {
      const answer = await ask('/small/a', zip);
      const { etag, vary } = answer.headers;
      assert.deepEqual([answer.body, answer.cache, etag, vary], [page, cache, 'W/"v1"', 'accept-encoding']);
    }
    const plain = await ask('/small/a');
    assert.deepEqual([plain.body, plain.cache, plain.headers['etag']], [page, 'hit', '"v1"']);
    const known = await ask('/small/a', { headers: { ...zip.headers, 'if-none-match': 'W/"v1"' } });
    const { etag: knownTag, vary: knownVary } = known.headers;
    assert.deepEqual([known.status, known.body, knownTag, knownVary], [304, '', 'W/"v1"', 'accept-encoding']);
    const head = await ask('/small/a', { ...zip, method: 'HEAD' });
    assert.deepEqual([head.status, head.body, head.cache], [200, '', 'hit']);
  });

  it('is purged on all nodes, by Route, URL or prefix', async (t) => {
    const config = system.controlPlane.gwctlConfig;
    const paths = ['/plain/p/a', '/plain/p/a?x=1', '/plain/p/%7eb', '/plain/pq'];
    for (const path of ['/plain/p/a', '/plain/p/~b', '/plain/pq']) answers(path, minute);
    const fill = async (): Promise<void> => {
      for (const node of [0, 1]) for (const path of paths) await ask(path, { node });
    };
    const call = 'namespaces/default/routes/plain/purgeCache';
    const purged = async (body: object): Promise<unknown> => {
      await fill();
      const answer = await system.admin.call('POST', call, { body });
      return [0, 1].map((node) => answer.field('nodes', node, 'purged'));
    };
    assert.deepEqual(await purged({ url: 'http://127.0.0.1/plain/p/../p/a?x=1' }), [1, 1]);
    assert.deepEqual(await purged({ url: '/plain/p/a' }), [2, 2]);
    assert.deepEqual(await purged({ prefix: '/plain//p/%7Eb' }), [1, 1]);
    assert.deepEqual(await purged({ url: 'http://other.test/plain/p/a' }), [0, 0]);
    for (const body of [{ url: 'a b' }, { url: '/a', prefix: '/b' }, { path: '/a' }, { prefix: '/a?b' }])
      assert.equal((await system.admin.call('POST', call, { body })).status, 422);
    const missing = await system.admin.call('POST', call.replace('plain', 'nope'), { body: {} });
    assert.equal(missing.status, 404);
    await fill();
    const session = await startTranscript(t, { config });
    await session.gwctl('purge', 'cache', 'plain', '--prefix', '/plain/p/');
    await session.gwctl('purge', 'cache', 'plain', '--url', 'plain/p');
    await session.gwctl('purge', 'cache', 'plain', '--prefix', '/plain/p?x');
    await session.gwctl('purge', 'cache', 'service/plain');
    await session.matches('cache');
    await purged({});
    assert.equal((await ask('/plain/pq')).cache, 'fwd=miss; stored');
  });

  it('keeps no more than it has room for, and says what it does', async () => {
    origin.on('/plain/big', (_, response) => response.writeHead(200, minute).end('x'.repeat(200_000)));
    for (let n = 0; n < 10; n += 1) await ask(`/plain/big?${n}`);
    const metrics = await scrape(system.nodes[0]!);
    assert.ok(metrics.value('causeway_cache_bytes') <= 1_048_576);
    assert.ok(metrics.value('causeway_cache_evicted_total') >= 5);
    assert.ok(
      metrics.sum('causeway_cache_requests_total', { route: 'default/plain', result: 'collapsed' }) >= 99,
    );
    for (const result of ['hit', 'miss', 'revalidated', 'bypass', 'stale'])
      assert.ok(metrics.sum('causeway_cache_requests_total', { result }) > 0, result);
    assert.equal((await ask('/plain/big?9')).cache, 'hit');
    assert.equal((await ask('/plain/big?0')).cache, 'fwd=miss; stored');
    origin.on('/plain/huge', (_, response) => response.writeHead(200, minute).end('x'.repeat(1_100_000)));
    await ask('/plain/huge');
    await ask('/plain/huge');
    assert.equal(timesAsked('/plain/huge'), 2);
  });
});
