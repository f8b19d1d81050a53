import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';

import { ask, openSocket, until } from '../testing/http-client.ts';
import {
  endpoints,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from '../testing/node-fixture.ts';
import { rawUpstream } from '../testing/raw-upstream.ts';
import { Mirrors } from './mirrored-request.ts';

interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** An upstream that keeps what it gets. */
async function keeping(context: TestContext, answer: (response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const { port } = await startUpstream(context, async (request, response) => {
    const { method, url, headers } = request;
    seen.push({ line: `${method} ${url}`, headers, body: await buffer(request) });
    answer(response);
  });
  return { port, seen };
}

/** A node whose Route copies to the Service `copy`. */
function mirroring(
  context: TestContext,
  port: number,
  copyPort: number,
  spec: { percent?: number; bodyBytesMax?: bigint } = {},
): Promise<NodeFixture> {
  const value = { service: 'default/copy', percent: 100, bodyBytesMax: 65_536n, ...spec };
  const filters = [{ name: 'mirror', phase: 1, item: { case: 'mirror' as const, value } }];
  return startNode(context, {
    items: [routeItem('r', '/', { filters }), serviceItem('r'), serviceItem('copy')],
    endpoints: [endpoints('r', [port]), endpoints('copy', [copyPort])],
  });
}

const real = (response: ServerResponse): void => void response.end('real');

describe('a mirrored request', () => {
  it('comes as the real one came, which nobody can tell that it was copied', async (context) => {
    const upstream = await keeping(context, real);
    const mirror = await keeping(context, (response) => response.writeHead(404).end('not for you'));
    const fixture = await mirroring(context, upstream.port, mirror.port);
    const body = randomBytes(60_000);
    const headers = { 'x-a': 'b', connection: 'x-hop', 'x-hop': '1' };
    for (const more of [{ method: 'POST', body, headers }, { path: '/a?b=c' }]) {
      const answer = await ask({ port: fixture.port(), ...more });
      assert.deepEqual([answer.status, answer.body], [200, 'real']);
    }
    await until('both copies are there', () => mirror.seen.length === 2);
    assert.deepEqual(mirror.seen, upstream.seen);
    assert.deepEqual(mirror.seen[0]?.body, body);
    assert.deepEqual(
      [mirror.seen[0].headers['content-length'], mirror.seen[0].headers['x-hop']],
      ['60000', undefined],
    );
    await until('both are counted', () => fixture.mirrored.length === 2);
    assert.deepEqual(fixture.mirrored, ['success', 'success']);
    assert.deepEqual(
      fixture.records.map(({ reason }) => reason),
      [undefined, undefined],
    );
  });

  it('is not waited for, and its failures are counted and nothing else', async (context) => {
    const upstream = await keeping(context, real);
    const hung = await rawUpstream(context, () => undefined);
    const fixture = await mirroring(context, upstream.port, hung.port);
    assert.equal((await ask({ port: fixture.port() })).body, 'real');
    await until('the copy is there', () => hung.sockets.length === 1);
    hung.sockets[0]!.resetAndDestroy();
    await until('its failure is counted', () => fixture.mirrored.length === 1);
    const gone = await mirroring(context, upstream.port, 1);
    assert.equal((await ask({ port: gone.port() })).body, 'real');
    await until('its failure is counted', () => gone.mirrored.length === 1);
    assert.deepEqual(
      [fixture.mirrored, gone.mirrored, gone.records[0]?.reason],
      [['failure'], ['failure'], undefined],
    );
  });

  it('is none when its body is too large, or when there are too many of them', async (context) => {
    const upstream = await keeping(context, real);
    const hung = await rawUpstream(context, () => undefined);
    const fixture = await mirroring(context, upstream.port, hung.port, { bodyBytesMax: 100n });
    const answer = await ask({ port: fixture.port(), method: 'POST', body: randomBytes(101) });
    assert.deepEqual([answer.body, fixture.mirrored], ['real', ['tooLarge']]);
    for (let sent = 0; sent < 100; sent += 20)
      await Promise.all(Array.from({ length: 20 }, () => ask({ port: fixture.port() })));
    assert.deepEqual(
      fixture.mirrored.slice(1),
      Array.from({ length: 36 }, () => 'overLimit'),
    );
  });

  it('is none when the real one was answered before its body was there', async (context) => {
    const early = await rawUpstream(context, (_head, index) =>
      index === 0 ? 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal' : undefined,
    );
    const mirror = await keeping(context, real);
    const fixture = await mirroring(context, early.port, mirror.port);
    const socket = await openSocket(context, fixture.port());
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
    await once(socket, 'data');
    socket.end('-whole');
    await until('the exchange is over', () => fixture.mirrored.length === 1);
    assert.deepEqual([fixture.mirrored, mirror.seen], [['abandoned'], []]);
  });

  it('is none where the bodies of others may fill the memory for them', async (context) => {
    const upstream = await keeping(context, real);
    const hung = await rawUpstream(context, () => undefined);
    const fixture = await mirroring(context, upstream.port, hung.port, { bodyBytesMax: 40_000_000n });
    const post = () => ask({ port: fixture.port(), method: 'POST', body: 'x' });
    await post();
    await post();
    assert.deepEqual(fixture.mirrored, ['overLimit']);
    // One without a body needs no room.
    await ask({ port: fixture.port() });
    assert.deepEqual(fixture.mirrored, ['overLimit']);
  });

  it('has room beside those to a Service that does not answer', () => {
    const mirrors = new Mirrors();
    const fill = (service: string, bytes: number): number => {
      let copies = 0;
      while (mirrors.enter(service, bytes)) copies += 1;
      return copies;
    };
    assert.deepEqual([fill('a', 0), fill('b', 1_048_576), fill('c', 1_048_576)], [64, 32, 32]);
    assert.equal(fill('d', 1), 0, 'all bytes are taken');
    assert.equal(fill('d', 0), 64);
    assert.equal(fill('e', 0), 64, 'all 256 are taken');
    mirrors.leave('c', 1_048_576);
    assert.deepEqual([fill('a', 0), fill('e', 0), fill('f', 1_048_576)], [0, 0, 1]);
  });

  it('of an answer that does not end takes no more than a little', async (context) => {
    const upstream = await keeping(context, real);
    let isClosed = false;
    const endless = await startUpstream(context, (_request, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(20_000)), 5);
      response.on('close', () => {
        isClosed = true;
        clearInterval(timer);
      });
    });
    const fixture = await mirroring(context, upstream.port, endless.port);
    await ask({ port: fixture.port() });
    await until('it is let go', () => isClosed);
    assert.deepEqual(fixture.mirrored, ['success']);
  });
});
