import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';

import { until } from '../testing/http-client.ts';
import { listenRaw } from '../testing/raw-upstream.ts';
import { adoptSocket } from './adopt-socket.ts';
import { socketBufferBytes } from './message-writer.ts';
import { ReadMemory } from './read-memory.ts';

/** An accepted socket in other hands, and its client. */
async function adopted(context: TestContext) {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const port = await listenRaw(context, server);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  const pieces: string[] = [];
  const memory = new ReadMemory((piece) => pieces.push(piece.toString('latin1')));
  const socket = adoptSocket(accepted, memory);
  for (const each of [client, socket]) {
    each.on('error', () => {});
    context.after(() => void each.destroy());
  }
  return { client, accepted, socket, pieces };
}

describe('adoptSocket', () => {
  it('gives a socket with the same ends, that reads into the memory it is given', async (context) => {
    const { client, accepted, socket, pieces } = await adopted(context);
    assert.notEqual(socket, accepted);
    assert.deepEqual([socket.remoteAddress, socket.remotePort], ['127.0.0.1', client.localPort]);
    assert.equal(socket.localPort, client.remotePort);
    assert.equal(socket.writableHighWaterMark, socketBufferBytes);
    client.write('hello');
    await until('the bytes', () => pieces.join('') === 'hello');
    socket.write('answer');
    const [answer] = await once(client, 'data');
    assert.equal(String(answer), 'answer');
  });

  it('reads nothing while it is paused, and the rest afterwards', async (context) => {
    const { client, socket, pieces } = await adopted(context);
    socket.pause();
    await new Promise<void>((resolve) => void client.write('one', () => resolve()));
    // What was sent later, on another connection, comes later.
    const later = await adopted(context);
    later.client.write('two');
    await until('later bytes', () => later.pieces.join('') === 'two');
    assert.deepEqual([pieces, socket.isPaused()], [[], true]);
    socket.resume();
    await until('the bytes', () => pieces.join('') === 'one');
  });

  it('still writes when the other side has ended, and closes when both have', async (context) => {
    const { client, socket } = await adopted(context);
    const ended = once(socket, 'end');
    client.end();
    await ended;
    const answered = once(client, 'data');
    socket.write('late');
    const [answer] = await answered;
    assert.equal(String(answer), 'late');
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  });

  it('tells of a reset', async (context) => {
    const { client, socket } = await adopted(context);
    const failed = once(socket, 'error');
    client.resetAndDestroy();
    const [error] = await failed;
    assert.equal(error.code, 'ECONNRESET');
    if (!socket.closed) await once(socket, 'close');
  });

  it('leaves a socket alone that has no handle of the system', () => {
    const socket = new Socket();
    assert.equal(adoptSocket(socket, new ReadMemory(() => {})), socket);
  });
});
