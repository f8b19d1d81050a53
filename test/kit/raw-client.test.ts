import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { rawConnect } from './raw-client.ts';
import { listen } from './upstreams/listen.ts';

/** A server that answers `reply` to every line, and a client of it. */
async function start(t: TestContext, onLine: (socket: import('node:net').Socket, line: string) => void) {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding('latin1').on('data', (line: string) => onLine(socket, line));
    socket.on('end', () => socket.end('saw the end'));
  });
  return rawConnect(t, await listen(t, server));
}

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('responses are taken one by one from what has arrived', async (t) => {
  const client = await start(t, (socket) =>
    socket.write(`HTTP/1.1 100 Continue\r\n\r\n${ok}${ok.replace('ok', 'no')}`),
  );
  await client.send('go');
  assert.equal((await client.readResponse()).status, 100);
  assert.equal((await client.readResponse()).body.toString(), 'ok');
  assert.equal((await client.readResponse()).body.toString(), 'no');
  assert.equal(client.unread.length, 0);
});

test('bytes go out as they are, above ASCII too', async (t) => {
  const client = await start(t, (socket, line) => socket.write(Buffer.from(line, 'latin1').toString('hex')));
  await client.send('\x00\xff');
  await client.send(Buffer.from([0x80]));
  assert.equal(await client.expect('80'), '00ff80');
});

test('a half-closed connection still reads', async (t) => {
  const client = await start(t, () => {});
  client.halfClose();
  assert.equal(await client.expect('end'), 'saw the end');
  assert.equal(await client.closed(), 'end');
});

test('a reset is told from an end, and ends the wait for a response', async (t) => {
  const client = await start(t, (socket) => socket.resetAndDestroy());
  await client.send('go');
  await assert.rejects(client.readResponse(), /connection reset before a whole response/);
  assert.equal(await client.closed(), 'reset');
});

test('our own reset reaches the other side as one', async (t) => {
  const seen = Promise.withResolvers<string | undefined>();
  const client = await start(t, (socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => seen.resolve(error.code));
    socket.write('ready');
  });
  await client.send('go');
  await client.expect('ready');
  client.reset();
  assert.equal(await seen.promise, 'ECONNRESET');
});

test('a cut-off response is an error that shows what came', async (t) => {
  const client = await start(t, (socket) => socket.end(ok.slice(0, -1)));
  await client.send('go');
  await assert.rejects(
    client.readResponse(),
    /connection end before a whole response; 39 bytes unread: "HTTP\/1\.1 200/,
  );
});

test('a paused client takes nothing until it goes on', async (t) => {
  const client = await start(t, (socket) => socket.write('x'.repeat(8)));
  client.pause();
  await client.send('go');
  assert.equal(client.unread.length, 0);
  client.resume();
  await client.expect('xxxxxxxx');
});
