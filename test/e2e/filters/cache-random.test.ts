// The cache of a node with two workers between many clients and an upstream that changes, fails and forgets itself: whatever the order, nobody
// sees what is another's, what is older than a change that he knows of, or half of an answer.

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { it } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { Client, request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { seed, seededRandom } from '../../kit/seeded-random.ts';
import { listen } from '../../kit/upstreams/listen.ts';

const clients = 12;
const requestsOfEach = 80;
const paths = Array.from({ length: 24 }, (_, number) => `/${number}`);
const names = ['ann', 'bob', undefined] as const;

const controls = [
  'max-age=60',
  'public, max-age=60',
  'public, max-age=0',
  'private, max-age=60',
  'no-store',
  'max-age=0, stale-while-revalidate=1',
  'max-age=0, stale-if-error=60',
] as const;

/** What a body says of itself; its length is told at its end, so that half of one is seen. */
interface Tag {
  readonly path: string;
  readonly caller: string | null;
  readonly language: string | null;
  readonly control: string;
  readonly version: number;
}

/** Paths with what their answers say of caching: always the same. */
function scriptOf(path: string): { control: string; isVaried: boolean; isTagged: boolean } {
  const number = Number(/\d+/.exec(path)![0]);
  return {
    control: controls[number % controls.length]!,
    isVaried: number % 3 === 0,
    isTagged: number % 2 === 0,
  };
}

function upstream(random: () => number, versions: Map<string, number>) {
  return async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = incoming.url!;
    const { control, isVaried, isTagged } = scriptOf(path);
    const headers: Record<string, string> = { 'cache-control': control };
    if (isVaried) headers['vary'] = 'accept-language';
    if (random() < 0.3) await pass(random() * 4);
    const version = versions.get(path) ?? 0;
    if (incoming.method === 'PUT') {
      versions.set(path, version + 1);
      response.writeHead(200, { 'cache-control': 'no-store' }).end('changed');
      return;
    }
    if (random() < 0.05) return void incoming.socket.destroy();
    if (random() < 0.05) return void response.writeHead(503).end('down');
    const caller = (incoming.headers['x-consumer-name'] as string | undefined) ?? null;
    // One for every answer that differs.
    const etag = `"${version}-${control.includes('public') ? '' : caller}-${isVaried ? incoming.headers['accept-language'] : ''}"`;
    if (isTagged) headers['etag'] = etag;
    if (isTagged && incoming.headers['if-none-match'] === etag)
      return void response.writeHead(304, headers).end();
    const language = incoming.headers['accept-language'] ?? null;
    const tag = JSON.stringify({ path, caller, language, control, version } satisfies Tag);
    const body = `${tag}\n${'x'.repeat(Math.floor(random() * 3000))}`;
    response.writeHead(200, random() < 0.5 ? headers : { ...headers, 'content-length': body.length + 8 });
    if (incoming.method === 'HEAD') return void response.end();
    response.write(body.slice(0, 100));
    if (random() < 0.3) await pass(random() * 4);
    if (random() < 0.03) return void incoming.socket.destroy();
    response.end(body.slice(100) + String(body.length).padStart(8));
  };
}

it(`gives everybody what is his, whole (seed ${seed})`, async (t) => {
  const random = seededRandom(seed);
  const versions = new Map<string, number>();
  const serve = upstream(random, versions);
  const port = await listen(
    t,
    createServer((incoming, response) => void serve(incoming, response)),
  );
  const consumers = ['ann', 'bob'].map((name) => ({
    kind: 'Consumer',
    metadata: { name },
    spec: { keys: [{ name: 'one', value: `key-of-${name}-0123456789` }] },
  }));
  const { nodes } = await startSystem(t, {
    workers: 2,
    resources: [
      gateway(),
      service('origin', [port]),
      ...consumers,
      route('all', '/', 'origin', { filters: [{ apiKey: { optional: true } }, { cache: {} }] }),
    ],
  });
  const url = `http://127.0.0.1:${await nodes[0]!.trafficPort()}`;
  const counts = { given: 0, failed: 0 };

  const run = async (): Promise<void> => {
    const client = new Client(url, { pipelining: 4 });
    const one = async (): Promise<void> => {
      const path = paths[Math.floor(random() * paths.length)]!;
      const name = names[Math.floor(random() * names.length)];
      const language = random() < 0.5 ? 'de' : 'en';
      const headers: Record<string, string> = { 'accept-language': language };
      if (name !== undefined) headers['x-api-key'] = `key-of-${name}-0123456789`;
      if (random() < 0.05) headers['cache-control'] = 'no-cache';
      const roll = random();
      const method = roll < 0.05 ? 'PUT' : roll < 0.2 ? 'HEAD' : 'GET';
      const { statusCode, body, headers: answered } = await client.request({ path, method, headers });
      const text = await body.text();
      if (method === 'HEAD') return assert.equal(text, '');
      if (method === 'PUT' || statusCode !== 200) return;
      const tag = JSON.parse(text.slice(0, text.indexOf('\n'))) as Tag;
      const what = JSON.stringify({ tag, name, language, cache: answered['cache-status'] });
      assert.equal(Number(text.slice(-8)), text.length - 8, `all of it: ${what}`);
      assert.equal(tag.path, path, what);
      if (!tag.control.includes('public')) assert.equal(tag.caller, name ?? null, what);
      if (scriptOf(path).isVaried) assert.equal(tag.language, language, what);
      assert.ok(tag.version <= (versions.get(path) ?? 0), what);
      counts.given += 1;
    };
    for (let sent = 0; sent < requestsOfEach; sent += 4)
      await Promise.all(
        [one, one, one, one].map((ask) =>
          ask().catch((error: unknown) => {
            if (error instanceof assert.AssertionError || error instanceof SyntaxError) throw error;
            counts.failed += 1;
          }),
        ),
      );
    await client.close();
  };
  await Promise.all(Array.from({ length: clients }, run));
  assert.ok(counts.given > clients * requestsOfEach * 0.5, JSON.stringify(counts));

  // Nothing is left behind: after a last change both workers give what there is now.
  const read = async (path: string, method: 'GET' | 'PUT' = 'GET'): Promise<string> =>
    (await request(url + path, { method, reset: true })).body.text();
  await Promise.all(
    paths.map(async (path) => {
      await read(path, 'PUT').catch(() => {});
      const latest = `"version":${versions.get(path)}`;
      await eventually(() => Promise.all([read(path), read(path), read(path)]), {
        what: `${path} is ${latest}`,
        until: (bodies) => bodies.every((body) => body.includes(latest)),
      });
    }),
  );
});
