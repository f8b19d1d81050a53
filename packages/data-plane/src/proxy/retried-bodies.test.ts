import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { buffer, text } from 'node:stream/consumers';
import { Protocol } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import { answeringUpstream } from '../testing/frame-upstream.ts';
import { ask, until } from '../testing/http-client.ts';
import { ErrorCode, initialWindowSize, reset, settings } from '../testing/http2-frames.ts';
import { startUpstream } from '../testing/node-fixture.ts';
import { listenRaw, startRaw } from '../testing/raw-upstream.ts';
import { answerText, retryingNode } from '../testing/retrying-node.ts';

const hashOf = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

/** Reads the whole body, and answers 503 to the first so many requests. */
async function counting(context: TestContext, badAnswers: number) {
  const hashes: string[] = [];
  const { port } = await startUpstream(context, async (request, response) => {
    hashes.push(hashOf(await buffer(request)));
    response.statusCode = hashes.length <= badAnswers ? 503 : 200;
    response.end(hashes.at(-1));
  });
  return { port, hashes };
}

/** Sends the body in pieces, as they come; gives the status and the text of the answer. */
async function sendPieces(port: number, pieces: readonly Buffer[], gapMs = 5): Promise<[number, string]> {
  const { promise, resolve, reject } = Promise.withResolvers<[number, string]>();
  const request = httpRequest({ port, host: '127.0.0.1', method: 'PUT', agent: false }, (response) => {
    text(response).then((body) => resolve([response.statusCode ?? 0, body]), reject);
  });
  request.on('error', reject);
  for (const piece of pieces) {
    request.write(piece);
    await new Promise((done) => setTimeout(done, gapMs));
  }
  request.end();
  return promise;
}

describe('the body of a request that is tried again', () => {
  it('is sent again as it was, with a declared length and without', async (context) => {
    for (const bytes of [1, 1000, 65_536]) {
      const body = randomBytes(bytes);
      const upstream = await counting(context, 2);
      const fixture = await retryingNode(context, [upstream.port], { retry: { attempts: 2 } });
      const answer = await ask({ port: fixture.port(), method: 'PUT', body });
      assert.deepEqual([answer.status, answer.body], [200, hashOf(body)]);
      const chunked = await sendPieces(fixture.port(), [
        body.subarray(0, bytes / 2),
        body.subarray(bytes / 2),
      ]);
      assert.deepEqual(chunked, [200, hashOf(body)]);
      assert.deepEqual(
        upstream.hashes,
        Array.from({ length: 4 }, () => hashOf(body)),
      );
    }
  });

  it('is not sent again when it is larger than what is kept, and the answer is passed on', async (context) => {
    const upstream = await counting(context, 1);
    const fixture = await retryingNode(context, [upstream.port], { retry: { bodyBytesMax: 1000n } });
    const answer = await ask({ port: fixture.port(), method: 'PUT', body: randomBytes(1001) });
    assert.deepEqual([answer.status, upstream.hashes.length], [503, 1]);
  });

  it('of any size finds another endpoint when none of it has been sent', async (context) => {
    const upstream = await counting(context, 0);
    // Nobody listens on the first port.
    const fixture = await retryingNode(context, [1, upstream.port], { retry: { bodyBytesMax: 0n } });
    const body = randomBytes(1_000_000);
    const answer = await ask({ port: fixture.port(), method: 'PUT', body });
    assert.deepEqual([answer.status, answer.body], [200, hashOf(body)]);
  });

  it('goes on where it was when the answer of the first try comes before all of it', async (context) => {
    const pieces = Array.from({ length: 12 }, () => randomBytes(4000));
    const early = await startRaw(context, (socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 503 X\r\nContent-Length: 3\r\n\r\nbad')),
    );
    const upstream = await counting(context, 0);
    const fixture = await retryingNode(context, [early, upstream.port], {
      retry: { backoffMs: 100, maxBackoffMs: 100 },
    });
    assert.deepEqual(await sendPieces(fixture.port(), pieces, 10), [200, hashOf(Buffer.concat(pieces))]);
  });

  it('goes on where it was when the next try waits for its connection', async (context) => {
    const early = await startRaw(context, (socket) =>
      socket.once('data', (head) =>
        socket.write(answerText(head.toString().startsWith('GET') ? 200 : 503, 'x', 'Connection: close\r\n')),
      ),
    );
    const held = Promise.withResolvers<void>();
    const hashes: string[] = [];
    const { port } = await startUpstream(context, async (request, response) => {
      hashes.push(hashOf(await buffer(request)));
      if (request.method === 'GET') await held.promise;
      response.end(hashes.at(-1));
    });
    const fixture = await retryingNode(context, [early, port], {
      service: {
        pool: { connectionsMax: 1, waitingMax: 10, idleTimeoutMs: 60_000 },
      },
    });
    // Requests go to the endpoints in turn: the third one comes to the first of them.
    await ask({ port: fixture.port() });
    const holder = ask({ port: fixture.port() });
    await until('the only connection is taken', () => hashes.length === 1);
    const pieces = Array.from({ length: 12 }, () => randomBytes(4000));
    const sent = sendPieces(fixture.port(), pieces, 10);
    setTimeout(() => held.resolve(), 300);
    assert.deepEqual(await sent, [200, hashOf(Buffer.concat(pieces))]);
    await holder;
  });

  it('goes on where it was when the first try is reset within it', async (context) => {
    const pieces = Array.from({ length: 12 }, () => randomBytes(4000));
    const resetting = await startRaw(context, (socket) =>
      socket.once('data', () => setTimeout(() => socket.resetAndDestroy(), 20)),
    );
    const upstream = await counting(context, 0);
    const fixture = await retryingNode(context, [resetting, upstream.port]);
    assert.deepEqual(await sendPieces(fixture.port(), pieces, 10), [200, hashOf(Buffer.concat(pieces))]);
  });
});

describe('a request that is tried again over HTTP/2', () => {
  async function http2Upstream(
    context: TestContext,
    serve: (stream: ServerHttp2Stream, nth: number) => unknown,
  ) {
    let streams = 0;
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      serve(stream, (streams += 1));
    });
    const port = await listenRaw(context, server);
    return { port, count: () => streams };
  }

  const options = { service: { protocol: Protocol.H2C } };

  it('is sent again as it was after a bad answer', async (context) => {
    const body = randomBytes(60_000);
    const upstream = await http2Upstream(context, async (stream, nth) => {
      const received = await buffer(stream);
      stream.respond({ ':status': nth === 1 ? 503 : 200 });
      stream.end(hashOf(received));
    });
    const fixture = await retryingNode(context, [upstream.port], options);
    const answer = await ask({ port: fixture.port(), method: 'PUT', body });
    assert.deepEqual([answer.status, answer.body, upstream.count()], [200, hashOf(body), 2]);
  });

  it('goes on when the first try had stopped taking its body before it failed', async (context) => {
    const stuck = await answeringUpstream(
      context,
      (connection, stream) => void setTimeout(() => connection.send(reset(stream, ErrorCode.internal)), 150),
      settings(initialWindowSize, 1000),
    );
    const upstream = await http2Upstream(context, async (stream) => {
      stream.respond({ ':status': 200 });
      stream.end(hashOf(await buffer(stream)));
    });
    const fixture = await retryingNode(context, [stuck.port, upstream.port], options);
    // The first upstream takes a thousand bytes, and the others wait for it.
    const pieces = [randomBytes(40_000), randomBytes(5000)];
    assert.deepEqual(await sendPieces(fixture.port(), pieces, 50), [200, hashOf(Buffer.concat(pieces))]);
    assert.deepEqual(fixture.retries, ['success']);
  });

  it('is sent again when its stream is reset, and not when its connection ends within the answer', async (context) => {
    const upstream = await http2Upstream(context, (stream, nth) => {
      if (nth === 1) return stream.close(2);
      stream.respond({ ':status': 200 });
      stream.write('half');
      if (nth === 3) setTimeout(() => stream.session?.destroy(), 20);
      else stream.end('-whole');
    });
    const fixture = await retryingNode(context, [upstream.port], options);
    assert.equal((await ask({ port: fixture.port() })).body, 'half-whole');
    await assert.rejects(ask({ port: fixture.port() }));
    assert.equal(upstream.count(), 3);
    await until('both are over', () => fixture.records.length === 2);
    assert.equal(fixture.records[1]?.reason, 'upstream_reset');
  });
});
