// The WebSocket peers of the kit against each other, so that what a test of the gateway finds is the gateway's.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from './eventually.ts';
import { connectHttp2, http2Tunnel } from './http2-tunnel.ts';
import { openRawWebSocket } from './raw-websocket.ts';
import { standstill } from './standstill.ts';
import { type SeenHandshake, startWebSocket, type WebSocketUpstream } from './upstreams/websocket.ts';
import {
  openWebSocket,
  refusedWebSocket,
  type WebSocketClient,
  type WebSocketOptions,
} from './websocket-client.ts';
import { closeOf, encodeClose, opcodes } from './websocket-frames.ts';

interface Way {
  readonly name: string;
  readonly http2: boolean;
  readonly tls: boolean;
}

const ways: readonly Way[] = [
  { name: 'HTTP/1.1', http2: false, tls: false },
  { name: 'HTTP/1.1 with TLS', http2: false, tls: true },
  { name: 'HTTP/2', http2: true, tls: false },
  { name: 'HTTP/2 with TLS', http2: true, tls: true },
];

async function started(t: TestContext, { http2, tls }: Way) {
  const authority = await TestAuthority.create();
  const certificate = await authority.issue({ names: ['localhost'] });
  const upstream = await startWebSocket(t, { http2, deflate: true, ...(tls && { certificate }) });
  const url = (path: string): string => `${tls ? 'wss' : 'ws'}://localhost:${upstream.port}${path}`;
  const session = http2
    ? await connectHttp2(t, `${tls ? 'https' : 'http'}://localhost:${upstream.port}`)
    : undefined;
  const by: WebSocketOptions = session === undefined ? {} : { connection: () => http2Tunnel(session) };
  return { upstream, url, by };
}

describe('WebSocket peers of the kit', () => {
  for (const way of ways) {
    it(`talk over ${way.name}`, async (t) => {
      const { upstream, url, by } = await started(t, way);
      const client = await openWebSocket(t, url('/chat?a=1'), { ...by, protocols: ['v2', 'v1'] });
      assert.equal(client.socket.protocol, 'v2');
      await talk(client, upstream);
      const head = JSON.parse(String(await client.ask('head'))) as SeenHandshake;
      assert.deepEqual([head.target, head.headers['sec-websocket-protocol']], ['/chat?a=1', 'v2,v1']);
      await client.send('close 4001 bye');
      assert.deepEqual(await client.closed(), { code: 4001, reason: 'bye' });
      await eventually(() => upstream.live === 0, { what: 'it is closed on both sides' });
      const refusal = await refusedWebSocket(t, url('/status/403'), by);
      assert.deepEqual([refusal.status, refusal.body], [403, 'refused with 403']);
    });

    it(`compress, and end without a close frame, over ${way.name}`, async (t) => {
      const { upstream, url, by } = await started(t, way);
      const client = await openWebSocket(t, url('/'), { ...by, deflate: true });
      assert.match(client.socket.extensions, /permessage-deflate/);
      await talk(client, upstream);
      await client.send('destroy');
      assert.equal((await client.closed()).code, 1006);
      const next = await openWebSocket(t, url('/'), { ...by, deflate: true });
      assert.equal((await next.close(4002, 'gone')).code, 4002);
      await eventually(() => upstream.closes.at(-1), {
        what: 'the upstream is told',
        until: (closed) => closed?.code === 4002 && closed.reason === 'gone',
      });
      assert.equal(upstream.opened, 2);
    });
  }

  it('stop reading, and go on', async (t) => {
    const upstream = await startWebSocket(t);
    const client = await openWebSocket(t, `ws://localhost:${upstream.port}/`);
    assert.equal(await client.ask('pause'), 'paused');
    await client.send('later');
    upstream.resumeAll();
    assert.equal(await client.next(), 'later');
    client.socket.pause();
    await client.send('flood 64');
    const taken = await standstill('the flood', () => upstream.bytesTaken);
    assert.ok(taken < 32 << 20, `${taken} bytes are taken`);
    client.socket.resume();
    await eventually(() => upstream.bytesTaken === 64 << 20, { what: 'the flood goes on' });
  });

  it('send raw frames, which the library judges', async (t) => {
    const upstream = await startWebSocket(t);
    const raw = await openRawWebSocket(t, upstream.port, '/');
    await raw.send({ opcode: opcodes.text, payload: 'hello' });
    const { opcode, payload, masked } = await raw.readFrame();
    assert.deepEqual([opcode, payload.toString(), masked], [opcodes.text, 'hello', false]);
    await raw.send({ opcode: opcodes.text, payload: 'without a mask', masked: false });
    const close = await raw.readFrame();
    assert.deepEqual([close.opcode, closeOf(close).code], [opcodes.close, 1002]);
    await raw.client.send(encodeClose(1002));
    assert.equal(await raw.ended(), 'end');
  });
});

async function talk(client: WebSocketClient, upstream: WebSocketUpstream): Promise<void> {
  assert.equal(await client.ask('hello'), 'hello');
  assert.deepEqual(await client.ask(Buffer.of(0, 255)), Buffer.of(0, 255));
  const large = Buffer.alloc(1 << 20, 'large');
  assert.deepEqual(await client.ask(large), large);
  assert.equal(await client.ask('fragments a b c'), 'abc');
  assert.equal(await client.ping('are you there'), 'are you there');
  assert.equal(await client.ask('ping x y'), 'pong x y');
  upstream.broadcast('to all');
  assert.equal(await client.next(), 'to all');
  assert.equal(upstream.live, 1);
}
