import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { answeringUpstream } from '../testing/frame-upstream.ts';
import { until } from '../testing/http-client.ts';
import {
  ErrorCode,
  type Fields,
  FrameClient,
  FrameType,
  headers,
  reset,
  settings,
} from '../testing/http2-frames.ts';
import type { NodeFixture } from '../testing/node-fixture.ts';
import {
  openTunnelEnd,
  spokens,
  type Spoken,
  type TunnelEnd,
  tunnelUpstream,
} from '../testing/tunnel-ends.ts';
import { assertNothingLeft, tunnelNode } from '../testing/tunnel-node.ts';
import { closePayload, fromClient, fromUpstream } from '../testing/websocket-frames.ts';

interface Pair {
  readonly fixture: NodeFixture;
  readonly client: TunnelEnd;
  readonly upstream: TunnelEnd;
}

async function openPair(context: TestContext, clients: Spoken, spoken: Spoken): Promise<Pair> {
  const { port, ends } = await tunnelUpstream(context, spoken);
  const fixture = await tunnelNode(context, [port], { clients, upstream: spoken });
  const { status, end: client } = await openTunnelEnd(context, fixture.port(), { spoken: clients });
  assert.equal(status, clients.startsWith('http') ? 101 : 200);
  return { fixture, client, upstream: ends[0]! };
}

/**
 * What has become of the end whose peer was cut. A stream of HTTP/2 is reset; of it the runtime tells an end as well. Of TLS the runtime does not
 * tell an end from a cut.
 */
function isOver({ stream, isEnded, isClosed }: TunnelEnd, cut: Spoken): boolean {
  return isClosed || (isEnded && (cut === 'https' || !('rstCode' in stream)));
}

const mebibyte = Buffer.alloc(1_048_576, 'abcdefghijklmnopqrstuvwxyz0123456789');
/** Each 5 ms after the other. */
const standstillLooks = 20;
/** Of RFC 8441 section 3. */
const enableConnectProtocol = 8;
const close = closePayload(4001, 'bye');

for (const clients of spokens)
  for (const spoken of spokens)
    describe(`a WebSocket from a client of ${clients} to an upstream of ${spoken}`, () => {
      const open = async (context: TestContext): Promise<Pair> => openPair(context, clients, spoken);

      it('carries small and large messages both ways, and close frames', async (context) => {
        const { fixture, client, upstream } = await open(context);
        client.send(fromClient(1, 'hi'));
        await until('the message', () => upstream.received.equals(fromClient(1, 'hi')));
        upstream.send(fromUpstream(1, 'ho'));
        await until('the answer', () => client.received.equals(fromUpstream(1, 'ho')));
        const [up, down] = [fromClient(2, mebibyte), fromUpstream(2, mebibyte)];
        client.send(up);
        upstream.send(down);
        await until('all of it', () => upstream.bytes === 8 + up.length && client.bytes === 4 + down.length);
        assert.ok(upstream.received.subarray(8).equals(up));
        assert.ok(client.received.subarray(4).equals(down));
        const { bytesIn, bytesOut } = fixture.node.streams.list({ limit: 1 }, 0).connections[0]!;
        assert.deepEqual([bytesIn, bytesOut], [8 + up.length, 4 + down.length]);
        client.send(fromClient(8, close));
        await until('the close frame', () => upstream.received.subarray(-11).equals(fromClient(8, close)));
        upstream.send(fromUpstream(8, close));
        upstream.end();
        await until('the end', () => client.isEnded);
        client.end();
        await until('both ends', () => client.isClosed && upstream.isClosed);
        await assertNothingLeft(fixture);
        const { status, closeCode, ended, reason } = fixture.records[0]!;
        assert.deepEqual([status, closeCode, ended, reason], [101, 4001, 'closed', undefined]);
        assert.deepEqual([fixture.upgraded, fixture.records.length], [1, 1]);
      });

      it('goes on one way when the client has ended the other', async (context) => {
        const { fixture, client, upstream } = await open(context);
        client.send(mebibyte);
        client.end();
        await until('the end', () => upstream.isEnded);
        assert.equal(upstream.bytes, mebibyte.length);
        upstream.send(mebibyte);
        upstream.end();
        await until('the end of the other', () => client.isEnded);
        assert.equal(client.bytes, mebibyte.length);
        await assertNothingLeft(fixture);
        assert.equal(fixture.records[0]!.ended, 'cut');
      });

      it('goes on one way when the upstream has ended the other', async (context) => {
        const { fixture, client, upstream } = await open(context);
        upstream.send(mebibyte);
        upstream.end();
        await until('the end', () => client.isEnded);
        assert.equal(client.bytes, mebibyte.length);
        client.send(mebibyte);
        client.end();
        await until('the end of the other', () => upstream.isEnded);
        assert.equal(upstream.bytes, mebibyte.length);
        await assertNothingLeft(fixture);
      });

      it('is cut for the upstream when the client cuts it', async (context) => {
        const { fixture, client, upstream } = await open(context);
        client.send(fromClient(1, 'hi'));
        await until('the message', () => upstream.bytes === 8);
        client.cut();
        await until('the end', () => isOver(upstream, clients));
        if (!clients.startsWith('http') && !spoken.startsWith('http'))
          assert.notEqual(Reflect.get(upstream.stream, 'rstCode'), 0);
        upstream.cut();
        await assertNothingLeft(fixture);
        assert.equal(fixture.records[0]!.ended, 'cut');
      });

      it('is cut for the client when the upstream cuts it', async (context) => {
        const { fixture, client, upstream } = await open(context);
        upstream.send(fromUpstream(1, 'hi'));
        await until('the message', () => client.bytes === 4);
        upstream.cut();
        await until('the end', () => isOver(client, spoken));
        if (!clients.startsWith('http') && !spoken.startsWith('http'))
          assert.notEqual(Reflect.get(client.stream, 'rstCode'), 0);
        client.cut();
        await assertNothingLeft(fixture);
        assert.equal(fixture.records[0]!.ended, 'cut');
      });

      it('ends for both when its node is drained', async (context) => {
        const { fixture, client, upstream } = await open(context);
        const drained = fixture.node.drain(0);
        await until('close frames', () => client.bytes > 0 && upstream.bytes > 0);
        assert.equal(client.received.readUInt16BE(2), 1001);
        assert.equal(upstream.received[0], 0x88);
        client.send(fromClient(8, closePayload(1001)));
        upstream.send(fromUpstream(8, closePayload(1001)));
        await until('the ends', () => client.isEnded && upstream.isEnded);
        client.end();
        upstream.end();
        assert.deepEqual(await drained, { closed: 1, cut: 0 });
        await assertNothingLeft(fixture);
      });

      // Each kind of end once, each way.
      if (clients !== spoken) return;
      it('holds a sender back whose peer does not read, each way', async (context) => {
        const { fixture, client, upstream } = await open(context);
        const total = 32 * mebibyte.length;
        for (const [sender, reader] of [
          [client, upstream],
          [upstream, client],
        ] as const) {
          reader.stream.pause();
          const before = reader.bytes;
          for (let sent = 0; sent < total; sent += mebibyte.length) sender.send(mebibyte);
          const shown = (): number => {
            const { bytesIn, bytesOut } = fixture.node.streams.list({ limit: 1 }, 0).connections[0]!;
            return sender === client ? bytesIn : bytesOut;
          };
          let last = 0;
          let looks = 0;
          await until('a standstill', () => {
            looks = shown() === last ? looks + 1 : 0;
            last = shown();
            return last > 0 && looks >= standstillLooks;
          });
          assert.ok(last < total, `${last} bytes were taken`);
          reader.stream.resume();
          await until('the rest', () => reader.bytes - before === total, 30_000);
        }
        client.end();
        upstream.end();
        await assertNothingLeft(fixture);
      });
    });

describe('a WebSocket over HTTP/2 that its peer resets', () => {
  for (const code of [ErrorCode.none, ErrorCode.cancel]) {
    it(`with code ${code} is reset for the upstream`, async (context) => {
      const { port, ends } = await tunnelUpstream(context, 'h2c');
      const fixture = await tunnelNode(context, [port], { upstream: 'h2c' });
      const client = new FrameClient(context, fixture.port());
      const connect: Fields = [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':scheme', 'http'],
        [':path', '/'],
        [':authority', 'a'],
        ['sec-websocket-version', '13'],
      ];
      await client.send(headers(1, connect, 0));
      await until('the agreement', () => client.of(FrameType.headers, 1).length === 1);
      await client.send(reset(1, code));
      await until('the end', () => ends[0]!.isClosed);
      assert.notEqual(Reflect.get(ends[0]!.stream, 'rstCode'), 0);
      await assertNothingLeft(fixture);
      assert.equal(fixture.records[0]!.ended, 'cut');
    });

    it(`with code ${code} is reset for the client`, async (context) => {
      const upstream = await answeringUpstream(
        context,
        (connection, stream) => connection.send(headers(stream, [[':status', '200']], 0)),
        settings(enableConnectProtocol, 1),
      );
      const fixture = await tunnelNode(context, [upstream.port], { upstream: 'h2c' });
      const { end } = await openTunnelEnd(context, fixture.port(), { spoken: 'h2c' });
      upstream.connections[0]!.send(reset(1, code));
      await until('the end', () => end.isClosed);
      assert.notEqual(Reflect.get(end.stream, 'rstCode'), 0);
      await assertNothingLeft(fixture);
      assert.equal(fixture.records[0]!.ended, 'cut');
    });
  }
});

describe('a WebSocket of which one half is over', () => {
  it('may still be told to end: nothing is written to who has been sent the end', async (context) => {
    const { fixture, client, upstream } = await openPair(context, 'http', 'http');
    upstream.end();
    await until('the end', () => client.isEnded);
    await fixture.apply({ removedKeys: ['route/default/chat'] });
    await until('the close frame', () => upstream.bytes > 0);
    for (let count = 0; count < 5; count += 1) {
      client.send(fromClient(1, 'on'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(client.isClosed, false);
    client.end();
    await assertNothingLeft(fixture);
    assert.equal(fixture.records[0]!.ended, 'routeGone');
  });
});
