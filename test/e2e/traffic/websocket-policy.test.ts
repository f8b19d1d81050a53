// What a Route demands of the messages of a WebSocket, and what a client is told that does not keep to it.

import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { residentBytes } from '../../kit/process-cost.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { openRawWebSocket, type RawWebSocket } from '../../kit/raw-websocket.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { standstill } from '../../kit/standstill.ts';
import { type SeenHandshake, startWebSocket, type WebSocketUpstream } from '../../kit/upstreams/websocket.ts';
import { openWebSocket, type WebSocketClient, type WebSocketOptions } from '../../kit/websocket-client.ts';
import { encodeClose, encodeFrame, type Frame, opcodes } from '../../kit/websocket-frames.ts';

const kibibyte = 1024;
const mebibyte = 1 << 20;

describe('messages of a WebSocket whose Route has rules', { concurrency: true }, () => {
  const scope = new OwnScope();
  let system: System;
  let upstream: WebSocketUpstream;
  /** Of one test alone. */
  let quiet: WebSocketUpstream;
  let port: number;

  before(async () => {
    upstream = await startWebSocket(scope, { deflate: true });
    quiet = await startWebSocket(scope);
    const ruled = (name: string, websocket: object) => route(name, `/${name}`, 'chat', { websocket });
    system = await startSystem(scope, {
      resources: [
        gateway(),
        service('chat', [upstream.port]),
        service('quiet', [quiet.port]),
        route('quiet', '/quiet', 'quiet', { websocket: { opcodes: ['text'], maxMessageSize: '1KiB' } }),
        ruled('sized', { maxMessageSize: '64KiB' }),
        ruled('rated', { messagesPerSecond: 5 }),
        ruled('text', { opcodes: ['text'] }),
        ruled('binary', { opcodes: ['binary'] }),
        ruled('pinged', { pingInterval: '200ms', pongTimeout: '2s' }),
        ruled('huge', { maxMessageSize: '256MiB' }),
      ],
    });
    port = await system.nodes[0]!.trafficPort();
  });
  after(() => scope.end());

  const open = (t: TestContext, path: string, options?: WebSocketOptions): Promise<WebSocketClient> =>
    openWebSocket(t, `ws://127.0.0.1:${port}/${path}`, options);
  const openRaw = (t: TestContext, path: string): Promise<RawWebSocket> =>
    openRawWebSocket(t, port, `/${path}`);

  for (const deflate of [false, true]) {
    it(`are the same for a client that ${deflate ? 'offers' : 'does not offer'} permessage-deflate, which is not agreed on`, async (t) => {
      const client = await open(t, 'sized', { deflate, protocols: ['v1'] });
      assert.deepEqual([client.socket.extensions, client.socket.protocol], ['', 'v1']);
      const { headers } = JSON.parse(String(await client.ask('head'))) as SeenHandshake;
      assert.equal(headers['sec-websocket-extensions'], undefined);
      assert.equal(await client.ask('text'), 'text');
      assert.deepEqual(await client.ask(Buffer.of(1, 2)), Buffer.of(1, 2));
      client.socket.send('who', { fin: false });
      client.socket.send('le', { fin: false });
      assert.equal(await client.ping('within a message'), 'within a message');
      client.socket.send('some', { fin: true });
      assert.equal(await client.next(), 'wholesome');
      assert.equal(await client.ask('fragments a b c'), 'abc');
      assert.equal(await client.ask('ping me'), 'pong me');
      const most = Buffer.alloc(64 * kibibyte, 'x');
      assert.deepEqual(await client.ask(most), most);
      await client.send('close 4001 bye');
      assert.deepEqual(await client.closed(), { code: 4001, reason: 'bye' });
      const other = await open(t, 'sized', { deflate });
      assert.deepEqual(await other.close(4002, 'mine'), { code: 4002, reason: 'mine' });
    });

    it(`that are too large end it with 1009, ${deflate ? 'with' : 'without'} an offer of permessage-deflate`, async (t) => {
      const client = await open(t, 'sized', { deflate });
      await client.send(Buffer.alloc(64 * kibibyte + 1));
      assert.equal((await client.closed()).code, 1009);
    });
  }

  it('that come in fragments count with all of them, and end it before the last has come', async (t) => {
    const raw = await openRaw(t, 'sized');
    const payload = Buffer.alloc(40 * kibibyte);
    await raw.send({ opcode: opcodes.binary, payload, fin: false });
    await raw.send({ opcode: opcodes.continuation, payload, fin: false });
    assert.equal((await raw.readClose()).code, 1009);
    await raw.client.send(encodeClose(1009));
    assert.equal(await raw.ended(), 'end');
  });

  it('that say they are huge are not waited for', async (t) => {
    const raw = await openRaw(t, 'sized');
    const header = encodeFrame({ opcode: opcodes.binary, payload: Buffer.alloc(70 * kibibyte) }).subarray(
      0,
      14,
    );
    await raw.client.send(header);
    assert.equal((await raw.readClose()).code, 1009);
  });

  it('from the upstream are of any size, and a refusal tells it that the client is going', async (t) => {
    const client = await open(t, 'quiet');
    assert.equal(await client.ask('in'), 'in');
    quiet.broadcast('x'.repeat(mebibyte));
    assert.equal((await client.next()).length, mebibyte);
    await client.send(Buffer.of(0));
    assert.equal((await client.closed()).code, 1003);
    await eventually(() => quiet.closes[0], {
      what: 'the upstream is told',
      until: (closed) => closed?.code === 1001,
    });
  });

  it('that come too fast end it with 1008', async (t) => {
    const polite = await open(t, 'rated');
    for (let count = 0; count < 8; count += 1) {
      assert.equal(await polite.ask('hello'), 'hello');
      await new Promise((resolve) => setTimeout(resolve, 220));
    }
    const client = await open(t, 'rated');
    for (let count = 0; count < 20; count += 1) client.socket.send(`${count}`);
    assert.equal((await client.closed()).code, 1008);
    assert.ok(client.unread.length <= 6, `${client.unread.length} were echoed`);
  });

  it('of a kind that the Route does not take end it with 1003', async (t) => {
    for (const [path, good, bad] of [
      ['text', 'text', Buffer.of(1)],
      ['binary', Buffer.of(1), 'text'],
    ] as const) {
      const client = await open(t, path);
      assert.deepEqual(await client.ask(good), good);
      await client.send(bad);
      assert.equal((await client.closed()).code, 1003);
    }
  });

  it('that break the protocol end it as the RFC says', async (t) => {
    const faults: readonly (readonly [what: string, frames: readonly Frame[], code: number])[] = [
      ['no mask', [{ opcode: opcodes.text, payload: 'x', masked: false }], 1002],
      ['an opcode that nobody knows', [{ opcode: 3, payload: 'x' }], 1002],
      ['a control opcode that nobody knows', [{ opcode: 11, payload: '' }], 1002],
      ['a reserved bit', [{ opcode: opcodes.text, payload: 'x', reserved: 4 }], 1002],
      ['a continuation of nothing', [{ opcode: opcodes.continuation, payload: 'x' }], 1002],
      [
        'a message within a message',
        [
          { opcode: opcodes.text, payload: 'x', fin: false },
          { opcode: opcodes.text, payload: 'y' },
        ],
        1002,
      ],
      ['a ping in fragments', [{ opcode: opcodes.ping, payload: 'x', fin: false }], 1002],
      ['a ping that is too long', [{ opcode: opcodes.ping, payload: 'x'.repeat(126) }], 1002],
      ['text that is no UTF-8', [{ opcode: opcodes.text, payload: Buffer.of(0xc3, 0x28) }], 1007],
    ];
    for (const [what, frames, code] of faults) {
      const raw = await openRaw(t, 'sized');
      for (const frame of frames) await raw.send(frame);
      assert.equal((await raw.readClose()).code, code, what);
      raw.client.reset();
    }
  });

  it('pings go to the client, whose pongs keep it alive; the upstream sees none of them', async (t) => {
    const client = await open(t, 'pinged');
    for (let count = 0; count < 4; count += 1) await client.nextPing();
    assert.equal(await client.ask('still here'), 'still here');
    assert.deepEqual(client.unread, []);
    assert.equal(await client.ask('ping me'), 'pong me');
  });

  it('pings that are not answered end it', async (t) => {
    const silent = await open(t, 'pinged', { answersPings: false });
    const { code } = await silent.closed();
    assert.ok(code === 1001 || code === 1006, String(code));
    const dead = await openRaw(t, 'pinged');
    assert.equal((await dead.readClose()).code, 1001);
  });

  it('stay whole while pings are put between them', async (t) => {
    const client = await open(t, 'pinged');
    await client.send('flood 16');
    for (let count = 0; count < 256; count += 1) {
      const message = await client.next();
      assert.ok(Buffer.isBuffer(message) && message.length === 64 * kibibyte);
      if (count % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 250));
    }
  });

  it('hold the client back, and take memory within bounds, while the upstream does not read', async (t) => {
    const { pid } = system.nodes[0]!.child;
    const client = await open(t, 'huge');
    assert.equal(await client.ask('pause'), 'paused');
    const bytesBefore = residentBytes(pid);
    for (let sent = 0; sent < 256; sent += 1) client.socket.send(Buffer.alloc(mebibyte));
    const left = await standstill('the client', () => client.socket.bufferedAmount);
    assert.ok(left > 200 * mebibyte, `${left} bytes are left to the client`);
    const grown = residentBytes(pid) - bytesBefore;
    assert.ok(grown < 64 * mebibyte, `${grown} bytes more`);
    upstream.resumeAll();
    client.socket.terminate();
  });

  it('refusals are counted', async (t) => {
    const client = await open(t, 'text');
    await client.send(Buffer.of(1));
    await client.closed();
    await eventually(() => scrape(system.nodes[0]!), {
      what: 'it is counted',
      until: (now) => now.sum('causeway_streams_ended_total', { why: 'refused' }) >= 1,
    });
  });
});
