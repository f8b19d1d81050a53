// WebSockets over HTTP/2 (RFC 8441) on either side of a node, or on both.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, constants, type Http2Stream } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../../kit/eventually.ts';
import { connectHttp2, http2Tunnel } from '../../kit/http2-tunnel.ts';
import { OwnScope, type Owner } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { standstill } from '../../kit/standstill.ts';
import { startHttp2 } from '../../kit/upstreams/http2.ts';
import { type SeenHandshake, startWebSocket, type WebSocketUpstream } from '../../kit/upstreams/websocket.ts';
import { openWebSocket, refusedWebSocket, type WebSocketOptions } from '../../kit/websocket-client.ts';

const mebibyte = 1 << 20;
const ways = ['HTTP/1.1', 'HTTP/2', 'HTTP/1.1 with TLS', 'HTTP/2 with TLS'] as const;
type Way = (typeof ways)[number];
const upstreamOf: Readonly<Record<Way, string>> = {
  'HTTP/1.1': 'h1',
  'HTTP/2': 'h2c',
  'HTTP/1.1 with TLS': 'h1s',
  'HTTP/2 with TLS': 'h2',
};

describe('a WebSocket over HTTP/2', () => {
  const scope = new OwnScope();
  const upstreams = new Map<string, WebSocketUpstream>();
  let system: System;
  let port: number;
  let tlsPort: number;

  before(async () => {
    const authority = await TestAuthority.create('Chat CA');
    const certificate = await authority.issue({ names: ['chat.test'] });
    const www = await authority.issue({ names: ['localhost'] });
    const resources: Resource[] = [
      { kind: 'Certificate', metadata: { name: 'www' }, spec: { ...www } },
      { kind: 'Certificate', metadata: { name: 'ca' }, spec: { certificate: authority.certificate } },
    ];
    const tls = { serverName: 'chat.test', trust: ['ca'] };
    const kinds = [
      { name: 'h1', options: {}, spec: {} },
      { name: 'h1s', options: { certificate }, spec: { protocol: 'https', tls } },
      { name: 'h2c', options: { http2: true }, spec: { protocol: 'h2c' } },
      { name: 'h2', options: { http2: true, certificate }, spec: { protocol: 'h2', tls } },
    ];
    for (const { name, options, spec } of kinds) {
      const upstream = await startWebSocket(scope, { ...options, deflate: true, name });
      upstreams.set(name, upstream);
      resources.push(service(name, [upstream.port], spec), route(name, `/${name}`, name));
      resources.push(route(`${name}-status`, '/status', name, { hosts: [`${name}.test`] }));
    }
    const old = await startHttp2(scope);
    resources.push(service('old', [old.port], { protocol: 'h2c' }), route('old', '/old', 'old'));
    const more = { allowOrigins: ['https://chat.example.com'], maxConnections: 2 };
    resources.push(route('ruled', '/ruled', 'h1', { websocket: more }));
    resources.push(route('off', '/off', 'h1', { websocket: { enabled: false } }));
    const on = (name: string, spec: object = {}) => ({ name, address: '127.0.0.1', port: 0, ...spec });
    const listeners = [on('http'), on('https', { protocol: 'https', tls: { certificates: ['www'] } })];
    system = await startSystem(scope, { resources: [gateway({ listeners }), ...resources] });
    port = await system.nodes[0]!.trafficPort('http');
    tlsPort = await system.nodes[0]!.trafficPort('https');
  });
  after(() => scope.end());

  async function session(owner: Owner, tls: boolean): Promise<ClientHttp2Session> {
    return connectHttp2(owner, tls ? `https://localhost:${tlsPort}` : `http://localhost:${port}`);
  }

  /** How a client opens a WebSocket. */
  async function by(owner: Owner, way: Way): Promise<{ base: string; options: WebSocketOptions }> {
    const tls = way.endsWith('TLS');
    const base = tls ? `wss://localhost:${tlsPort}` : `ws://localhost:${port}`;
    if (way.startsWith('HTTP/1.1')) return { base, options: {} };
    const shared = await session(owner, tls);
    return { base, options: { connection: () => http2Tunnel(shared) } };
  }

  for (const from of ways) {
    for (const to of ways) {
      if (from.startsWith('HTTP/1.1') && to.startsWith('HTTP/1.1')) continue;
      it(`passes from a client of ${from} to an upstream of ${to}`, async (t) => {
        const { base, options } = await by(t, from);
        const name = upstreamOf[to];
        for (const deflate of [false, true]) {
          const client = await openWebSocket(t, `${base}/${name}?a=b`, {
            ...options,
            deflate,
            protocols: ['v2', 'v1'],
          });
          assert.deepEqual([client.socket.protocol, client.socket.extensions !== ''], ['v2', deflate]);
          const { target, headers } = JSON.parse(String(await client.ask('head'))) as SeenHandshake;
          assert.deepEqual([target, headers['sec-websocket-protocol']], [`/${name}?a=b`, 'v2,v1']);
          assert.equal(await client.ask('text'), 'text');
          const large = Buffer.alloc(mebibyte, 'large');
          assert.deepEqual(await client.ask(large), large);
          assert.equal(await client.ask('fragments a b c'), 'abc');
          assert.equal(await client.ping('ping'), 'ping');
          assert.equal(await client.ask('ping me'), 'pong me');
          if (deflate) {
            await client.send('close 4001 bye');
            assert.deepEqual(await client.closed(), { code: 4001, reason: 'bye' });
          } else assert.deepEqual(await client.close(4002, 'gone'), { code: 4002, reason: 'gone' });
        }
        const upstream = upstreams.get(name)!;
        await eventually(() => upstream.live === 0, { what: 'nothing is left open at the upstream' });
      });
    }
  }

  it('shares its connection with others and with requests, and leaves it to them', async (t) => {
    const shared = await session(t, false);
    const options = { connection: () => http2Tunnel(shared) };
    const open = await Promise.all(
      Array.from({ length: 20 }, () => openWebSocket(t, `ws://localhost:${port}/h2c`, options)),
    );
    const request = shared.request({ ':path': '/h2c' });
    const [answer] = (await once(request, 'response')) as [{ ':status': number }];
    assert.equal(answer[':status'], 200);
    await open[0]!.send('destroy');
    assert.equal((await open[0]!.closed()).code, 1006);
    const answers = await Promise.all(open.slice(1).map((client, index) => client.ask(`hello ${index}`)));
    assert.deepEqual(
      answers,
      open.slice(1).map((_, index) => `hello ${index}`),
    );
  });

  it('is refused as others are: by the Route, by the upstream', async (t) => {
    const shared = await session(t, false);
    const options: WebSocketOptions = { connection: () => http2Tunnel(shared) };
    const at = (path: string): string => `ws://localhost:${port}${path}`;
    const statusOf = async (path: string, more: WebSocketOptions = {}): Promise<number> =>
      (await refusedWebSocket(t, at(path), { ...options, ...more })).status;
    assert.equal(await statusOf('/off'), 426);
    assert.equal(await statusOf('/ruled', { origin: 'https://evil.example' }), 403);
    assert.equal(await statusOf('/nowhere'), 404);
    // Of an upstream that knows no extended CONNECT.
    assert.equal(await statusOf('/old'), 502);
    for (const name of ['h1', 'h2c'])
      for (const status of [403, 500])
        assert.equal(await statusOf(`/status/${status}`, { headers: { host: `${name}.test` } }), status);
    const two = [
      await openWebSocket(t, at('/ruled'), options),
      await openWebSocket(t, at('/ruled'), { origin: 'https://chat.example.com' }),
    ];
    assert.equal(await statusOf('/ruled'), 503);
    await Promise.all(two.map((client) => client.close(1000)));
  });

  it('that a client resets is over at the upstream, and no other is', async (t) => {
    const shared = await session(t, true);
    for (const name of ['h1', 'h2c']) {
      const streams: Http2Stream[] = [];
      const gone = await openWebSocket(t, `ws://localhost/${name}`, {
        connection: () => http2Tunnel(shared, streams),
      });
      const stays = await openWebSocket(t, `ws://localhost/${name}`, {
        connection: () => http2Tunnel(shared),
      });
      assert.equal(await gone.ask('x'), 'x');
      const upstream = upstreams.get(name)!;
      assert.equal(upstream.live, 2);
      streams[0]!.close(constants.NGHTTP2_CANCEL);
      await eventually(() => upstream.live === 1, { what: 'one is left' });
      assert.equal(await stays.ask('still here'), 'still here');
      await stays.close(1000);
      await eventually(() => upstream.live === 0, { what: 'none is left' });
    }
  });

  it('holds back on both sides', async (t) => {
    for (const name of ['h1', 'h2c']) {
      const upstream = upstreams.get(name)!;
      const shared = await session(t, false);
      const deaf = await openWebSocket(t, `ws://localhost/${name}`, {
        connection: () => http2Tunnel(shared),
      });
      deaf.socket.pause();
      await deaf.send('flood 64');
      const taken = await standstill('the flood', () => upstream.bytesTaken);
      assert.ok(taken < 32 * mebibyte, `${taken} bytes are on their way from ${name}`);
      const beside = await openWebSocket(t, `ws://localhost/${name}`, {
        connection: () => http2Tunnel(shared),
      });
      assert.equal(await beside.ask('beside'), 'beside');
      deaf.socket.resume();
      await eventually(() => upstream.bytesTaken === 64 * mebibyte, {
        what: 'the flood goes on',
        timeoutMs: 20_000,
      });
      deaf.socket.terminate();
      await beside.close(1000);
    }
  });
});
