import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import { listenRaw, startRaw } from '../../../testing/raw-upstream.ts';
import { askResponder, type AskOptions, responseBytesMax } from './ask-responder.ts';

const question = Buffer.from('question');

/** Knows one answer to every name; undefined: it never comes. */
function resolver(addresses: readonly string[] | undefined = ['127.0.0.1']): AddressResolver {
  return {
    watch(_name, onChange) {
      if (addresses !== undefined) queueMicrotask(() => onChange(addresses));
      return () => {};
    },
    close() {},
  };
}

function ask(port: number, options: Partial<AskOptions> = {}): Promise<Buffer> {
  const url = new URL(`http://ocsp.test:${port}/path?query`);
  const { signal } = new AbortController();
  return askResponder(url, question, {
    resolver: resolver(),
    ownPorts: { has: () => false },
    signal,
    ...options,
  });
}

function start(context: TestContext, serve: RequestListener): Promise<number> {
  return listenRaw(context, createServer(serve));
}

describe('a question to a responder', () => {
  it('is posted, and answered by bytes', async (context) => {
    let asked: unknown;
    const port = await start(context, (request, response) => {
      request.on('data', (bytes) => {
        const { method, url, headers } = request;
        asked = [method, url, headers.host, headers['content-type'], String(bytes)];
        response.end(Buffer.from([1, 2, 3]));
      });
    });
    assert.deepEqual([...(await ask(port))], [1, 2, 3]);
    const type = 'application/ocsp-request';
    assert.deepEqual(asked, ['POST', '/path?query', `ocsp.test:${port}`, type, 'question']);
  });

  it('takes an answer of the size that it may have, and none above it', async (context) => {
    let bytes = responseBytesMax;
    const port = await start(context, (_request, response) => response.end(Buffer.alloc(bytes)));
    assert.equal((await ask(port)).length, responseBytesMax);
    bytes += 1;
    await assert.rejects(ask(port), /larger than 65536 bytes/);
  });

  it('ends with an answer that has no end', async (context) => {
    const port = await startRaw(context, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const goOn = (): void => {
        if (socket.write(Buffer.alloc(1000))) setImmediate(goOn);
        else socket.once('drain', goOn);
      };
      goOn();
    });
    await assert.rejects(ask(port), /larger than/);
  });

  it('follows no redirect, and takes no other status', async (context) => {
    let status = 302;
    let questions = 0;
    const port = await start(context, (_request, response) => {
      questions += 1;
      response.writeHead(status, { location: '/elsewhere' }).end('x');
    });
    await assert.rejects(ask(port), /answers with status 302/);
    status = 500;
    await assert.rejects(ask(port), /answers with status 500/);
    assert.equal(questions, 2);
  });

  it('does not wait for ever: not for a name, a head or a body', async (context) => {
    const deadlineMs = 50;
    const late = { message: 'no answer within 50 ms' };
    const never: AddressResolver = { watch: () => () => {}, close() {} };
    await assert.rejects(ask(80, { deadlineMs, resolver: never }), late);
    const silent = await startRaw(context, () => {});
    await assert.rejects(ask(silent, { deadlineMs }), late);
    const half = await start(context, (_request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('half');
    });
    await assert.rejects(ask(half, { deadlineMs }), late);
  });

  it('ends when it is not needed any more', async (context) => {
    const ended = new AbortController();
    const port = await startRaw(context, () => ended.abort());
    await assert.rejects(ask(port, { signal: ended.signal }), { name: 'AbortError' });
    const never: AddressResolver = { watch: () => () => {}, close() {} };
    await assert.rejects(ask(port, { signal: AbortSignal.abort(), resolver: never }), { name: 'AbortError' });
  });

  it('goes to no address that an upstream must not have', async (context) => {
    let questions = 0;
    const port = await start(context, (_request, response) => {
      questions += 1;
      response.end('x');
    });
    const ownPorts = { has: (own: number) => own === port };
    const forbidden = { code: 'ERR_FORBIDDEN_ADDRESS' };
    await assert.rejects(ask(port, { ownPorts }), forbidden);
    for (const address of ['169.254.169.254', 'fe80::1', '100.100.100.200'])
      await assert.rejects(ask(port, { resolver: resolver([address]) }), forbidden);
    assert.equal(questions, 0);
    await assert.rejects(ask(port, { resolver: resolver([]) }), /ocsp\.test has no address/);
    assert.equal(String(await ask(port, { resolver: resolver(['::ffff:1', '127.0.0.1']) })), 'x');
  });
});
