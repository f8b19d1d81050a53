// The cache as clients meet it: what is given again, to whom, for how long, and what it asks the upstream.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { type Origin, startOrigin } from '../../kit/upstreams/origin.ts';

const scope = new OwnScope();
let system: System;
let origin: Origin;
let port: number;

interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** What Cache-Status says, without the name of the cache and the ttl. */
  readonly cache: string;
}

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Asked> {
  const answer = await request(`http://127.0.0.1:${port}${path}`, { method: method as 'GET', headers });
  const status = String(answer.headers['cache-status'] ?? '');
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: await answer.body.text(),
    cache: status.replace(/^causeway; /, '').replace(/; ttl=-?\d+/, ''),
  };
}

/** Answers with a body that tells which request of the path it was. */
function answers(path: string, headers: Record<string, string>, status = 200): void {
  origin.on(path, (incoming, response) => {
    const { 'if-none-match': condition } = incoming.headers;
    if (condition !== undefined && condition === headers['etag'])
      return void response.writeHead(304, { ...headers, 'x-seen': String(origin.asked(path).length) }).end();
    response.writeHead(status, headers).end(`${path} ${origin.asked(path).length}`);
  });
}

describe('cache', () => {
  before(async () => {
    origin = await startOrigin(scope);
    const keys = ['ann', 'bob'].map((name) => ({
      kind: 'Consumer',
      metadata: { name },
      spec: { keys: [{ name: 'one', value: `key-of-${name}-0123456789` }] },
    }));
    system = await startSystem(scope, {
      workers: 1,
      resources: [
        gateway({ accessLog: { output: 'stdout' } }),
        service('origin', [origin.port]),
        ...keys,
        route('plain', '/', 'origin', { filters: [{ cache: {} }] }),
        route('ttl', '/ttl', 'origin', { filters: [{ cache: { ttl: '1m', query: ['q'] } }] }),
        route('soft', '/soft', 'origin', {
          filters: [{ cache: { staleWhileRevalidate: '1m', staleIfError: '1m' } }],
        }),
        route('keyed', '/keyed', 'origin', { filters: [{ apiKey: {} }, { cache: {} }] }),
      ],
    });
    port = await system.nodes[0]!.trafficPort();
  });
  after(() => scope.end());

  it('gives an answer again while it is fresh, with its age', async () => {
    answers('/fresh', { 'cache-control': 'max-age=60', 'content-type': 'text/plain' });
    const first = await ask('/fresh');
    const second = await ask('/fresh');
    assert.deepEqual([first.body, first.cache], ['/fresh 1', 'fwd=miss; stored']);
    assert.deepEqual(
      [second.body, second.cache, second.headers['content-type']],
      ['/fresh 1', 'hit', 'text/plain'],
    );
    assert.match(String(second.headers['age']), /^\d+$/);
    const head = await ask('/fresh', {}, 'HEAD');
    assert.deepEqual(
      [head.status, head.body, head.headers['content-length'], head.cache],
      [200, '', '8', 'hit'],
    );
    assert.equal(origin.asked('/fresh').length, 1);
  });
});
