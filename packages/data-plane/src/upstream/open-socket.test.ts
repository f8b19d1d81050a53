import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { ManualClock } from '@causeway/runtime/manual-clock';

import type { UpstreamCall } from '../proxy/exchange.ts';
import { call, exchange, get, Heard, ok, openPool } from '../testing/heard.ts';
import { until } from '../testing/http-client.ts';
import { patternOf } from '../testing/pattern.ts';
import { poolContext } from '../testing/pools.ts';
import { listenRaw, startRaw } from '../testing/raw-upstream.ts';
import { createUpstreamTls, type UpstreamTlsParts } from './tls-settings.ts';

describe('connections with TLS', () => {
  let authority: TestAuthority;
  let upstream: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    upstream = await authority.issue({ names: ['orders.test'] });
  });

  const tls = (parts: Partial<UpstreamTlsParts> = {}) =>
    createUpstreamTls({
      serverName: 'orders.test',
      trust: [authority.certificate],
      client: undefined,
      verify: true,
      minVersion: 'TLSv1.2',
      ...parts,
    });

  /** An upstream that calls `serve` for each piece that arrives. */
  async function startTls(
    context: TestContext,
    serve: (socket: TLSSocket) => void,
    options: TlsOptions = {},
  ): Promise<{ port: number; connections: TLSSocket[] }> {
    const { certificate: cert, key } = upstream;
    const connections: TLSSocket[] = [];
    const server = createServer({ cert, key, ...options }, (socket) => {
      connections.push(socket);
      socket.on('error', () => {});
      socket.on('data', () => serve(socket));
    });
    server.on('tlsClientError', () => {});
    return { port: await listenRaw(context, server), connections };
  }

  const answering = (socket: TLSSocket): void => void socket.write(ok, 'latin1');

  it('carry one request after the other', async (context) => {
    const { port, connections } = await startTls(context, answering);
    const pool = openPool(context, port, { settings: { tls: tls() } });
    for (let request = 0; request < 3; request += 1) assert.equal((await exchange(pool)).body, 'hi');
    assert.equal(connections.length, 1);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`go on with the session of an earlier one (${version})`, async (context) => {
      const closing = `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`;
      const reused: boolean[] = [];
      const { port } = await startTls(
        context,
        (socket) => {
          reused.push(socket.isSessionReused());
          socket.write(closing);
        },
        { maxVersion: version },
      );
      const pool = openPool(context, port, { settings: { tls: tls() } });
      for (let request = 0; request < 3; request += 1) assert.equal((await exchange(pool)).body, 'hi');
      assert.deepEqual(reused, [false, true, true]);
    });

  it('come about with nobody but the one who was meant', async (context) => {
    const stranger = await TestAuthority.create('Stranger');
    const { port } = await startTls(context, answering);
    const failureOf = async (parts: Partial<UpstreamTlsParts>): Promise<string> => {
      const pool = openPool(context, port, { settings: { tls: tls(parts), connectionsMax: 1 } });
      const first = await exchange(pool);
      assert.equal(first.failure?.reason, 'upstream_connect_failed');
      // The pool has lost nothing by it.
      assert.equal((await exchange(pool)).failure?.detail, first.failure.detail);
      assert.deepEqual([pool.connections, pool.activeRequests], [0, 0]);
      return first.failure.detail;
    };
    assert.match(await failureOf({ serverName: 'other.test' }), /ERR_TLS_CERT_ALTNAME_INVALID/);
    assert.match(await failureOf({ trust: [stranger.certificate] }), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
    const lenient = openPool(context, port, {
      settings: { tls: tls({ trust: [stranger.certificate], verify: false }) },
    });
    assert.equal((await exchange(lenient)).status, 200);
  });

  it('show a certificate where one is asked for, and are told when it is not the right one', async (context) => {
    const { certificate: chain, key } = await authority.issue({ names: ['gateway'] });
    const asking = { requestCert: true, rejectUnauthorized: true, ca: [authority.certificate] };
    const { port } = await startTls(context, answering, { ...asking, maxVersion: 'TLSv1.2' });
    const shown = openPool(context, port, { settings: { tls: tls({ client: { chain, key } }) } });
    assert.equal((await exchange(shown)).status, 200);
    const bare = openPool(context, port, { settings: { tls: tls() } });
    assert.equal((await exchange(bare)).failure?.reason, 'upstream_connect_failed');
  });

  it('are given up when the upstream closes within the handshake, and the next one is tried', async (context) => {
    const port = await startRaw(context, (socket) => socket.destroy());
    const pool = openPool(context, port, { settings: { tls: tls(), connectionsMax: 1 } });
    for (let request = 0; request < 2; request += 1) {
      const { failure } = await exchange(pool);
      assert.equal(failure?.reason, 'upstream_connect_failed');
      assert.match(failure.detail, /ECONNRESET/);
    }
    assert.deepEqual([pool.connections, pool.activeRequests], [0, 0]);
  });

  it('are given up when the handshake takes longer than connecting may', async (context) => {
    let hellos = 0;
    const port = await startRaw(context, (socket) => socket.on('data', () => (hellos += 1)));
    const clock = new ManualClock();
    const settings = { tls: tls(), connectTimeoutMs: 1000 };
    const pool = openPool(context, port, { settings, context: poolContext(clock) });
    const { heard } = call(pool);
    await until('the handshake has begun', () => hellos > 0);
    clock.advance(900);
    assert.equal(heard.isOver, false);
    clock.advance(200);
    assert.equal(heard.failure?.detail, 'not connected within 1000 ms');
    assert.deepEqual([pool.connections, pool.activeRequests], [0, 0]);
  });

  it('are given up for who waited from their beginning; who came later has one opened anew', async (context) => {
    const port = await startRaw(context, (socket) => socket.resume());
    const clock = new ManualClock();
    const settings = { tls: tls(), connectTimeoutMs: 1000 };
    const pool = openPool(context, port, { settings, context: poolContext(clock) });
    const first = call(pool);
    clock.advance(900);
    first.sent.abort();
    const second = call(pool);
    clock.advance(200);
    assert.equal(second.heard.isOver, false);
    clock.advance(1000);
    assert.equal(second.heard.failure?.reason, 'upstream_connect_failed');
    assert.deepEqual([pool.connections, pool.activeRequests], [0, 0]);
  });

  it('leave a piece alone until more is asked for, however much has been decrypted', async (context) => {
    const body = patternOf(400_000);
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    const { port } = await startTls(context, (socket) => {
      socket.write(head);
      socket.write(body);
    });
    const pool = openPool(context, port, { settings: { tls: tls() } });
    const heard = new Holding();
    heard.call = pool.send(get, heard);
    const taken: Buffer[] = [];
    while (!heard.isOver) {
      await until('a piece, or the end', () => heard.held.length > 0 || heard.isOver);
      // What the system has read beyond the piece has had its chance.
      await new Promise((resolve) => setImmediate(resolve));
      taken.push(...heard.held.splice(0).map((piece) => Buffer.from(piece)));
      heard.call?.resumeResponse();
    }
    assert.ok(Buffer.concat(taken).equals(body), 'a piece was written over while it was in use');
  });
});

/** Stops at every piece, as long as it uses it. */
class Holding extends Heard {
  call: UpstreamCall | undefined;
  readonly held: Buffer[] = [];

  override onUpstreamChunk(chunk: Buffer): boolean {
    this.held.push(chunk);
    this.call?.pauseResponse();
    return false;
  }
}
