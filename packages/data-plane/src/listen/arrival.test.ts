import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { before, describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import {
  ClientAddressHeader,
  ClientAuth,
  ProxyProtocol,
  TlsVersion,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import {
  certificateItem,
  endpoints,
  gatewayItem,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from '../testing/node-fixture.ts';

const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

interface Front {
  readonly hasTls?: boolean;
  readonly proxyProtocol?: ProxyProtocol;
  readonly trustedProxies?: string[];
  readonly connectionsPerAddressMax?: number;
  readonly tlsHandshakeMs?: number;
  readonly requestHeadMs?: number;
}

function gatewayWith(front: Front) {
  const { hasTls = false, proxyProtocol = ProxyProtocol.UNSPECIFIED, trustedProxies = [] } = front;
  const { connectionsPerAddressMax = 0, tlsHandshakeMs = 10_000, requestHeadMs = 10_000 } = front;
  const tls = {
    certificates: ['default/www'],
    minVersion: TlsVersion.TLS_VERSION_1_2,
    clientAuth: ClientAuth.NONE,
  };
  return gatewayItem({
    listeners: [{ name: 'http', address: '127.0.0.1', port: 0, proxyProtocol, ...(hasTls && { tls }) }],
    clientAddress: { header: ClientAddressHeader.X_FORWARDED_FOR, trustedProxies },
    limits: { connectionsPerAddressMax } as never,
    timeouts: { tlsHandshakeMs, requestHeadMs } as never,
  });
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
  socket.on('error', () => {});
  await once(socket, 'close');
  return text;
}

describe('a connection before its first request', () => {
  let authority: TestAuthority;
  let www: IssuedCertificate;
  let other: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    www = await authority.issue({ names: ['www.test'] });
    other = await authority.issue({ names: ['www.test'] });
  });

  /** A node whose upstream answers with the address of the client. */
  async function started(context: TestContext, front: Front): Promise<NodeFixture> {
    const upstream = await startUpstream(context, ({ headers }, response) =>
      response.end(`for ${String(headers['x-forwarded-for'])}`),
    );
    return startNode(context, {
      items: [gatewayWith(front), certificateItem('www', www), routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
  }

  /** What comes back for these bytes, until the connection ends. */
  async function send(fixture: NodeFixture, bytes: string): Promise<string> {
    const socket = connect(fixture.port(), '127.0.0.1');
    socket.write(bytes, 'latin1');
    return readAll(socket);
  }

  async function serial(fixture: NodeFixture): Promise<string> {
    const socket = connectTls({ port: fixture.port(), host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.write(request);
    assert.match(await readAll(socket), /^HTTP\/1\.1 200 /);
    return serialNumber;
  }

  it('meets the certificates of the live table: a bad pair leaves those of before, and a good one takes their place', async (context) => {
    const fixture = await started(context, { hasTls: true });
    const first = await serial(fixture);
    const problems = await fixture.apply({
      items: [certificateItem('www', { certificate: other.certificate, key: www.key })],
    });
    assert.deepEqual(
      problems.map(({ reason, resource, pointer }) => [reason, resource, pointer]),
      [['invalid_resource', 'gateway/default', '/spec/listeners/0']],
    );
    assert.match(problems[0]!.detail, /certificate\/default\/www cannot be used/);
    assert.equal(await serial(fixture), first);
    const [missing] = await fixture.apply({ removedKeys: ['certificate/default/www'] });
    assert.match(missing?.detail ?? '', /certificate\/default\/www is not in the snapshot/);
    const [keyless] = await fixture.apply({
      items: [certificateItem('www', { certificate: other.certificate })],
    });
    assert.match(keyless?.detail ?? '', /came without its key/);
    assert.deepEqual(await fixture.apply({ items: [certificateItem('www', other)] }), []);
    assert.notEqual(await serial(fixture), first);
  });

  it('finds a port turned from HTTP to HTTPS and back, while those that were there go on', async (context) => {
    const fixture = await started(context, {});
    const port = fixture.port();
    const kept = connect(port, '127.0.0.1');
    await once(kept, 'connect');
    assert.match(await send(fixture, request), /^HTTP\/1\.1 200 /);
    assert.deepEqual(await fixture.apply({ items: [gatewayWith({ hasTls: true })] }), []);
    assert.equal(fixture.port(), port);
    assert.equal((await serial(fixture)).length > 0, true);
    kept.write(request);
    assert.match(await readAll(kept), /^HTTP\/1\.1 200 /);
    assert.deepEqual(await fixture.apply({ items: [gatewayWith({})] }), []);
    assert.match(await send(fixture, request), /^HTTP\/1\.1 200 /);
  });

  it('has until its deadline, is counted meanwhile, and gone after it', async (context) => {
    const fixture = await started(context, { hasTls: true, tlsHandshakeMs: 200 });
    const { node } = fixture;
    const silent = connect(fixture.port(), '127.0.0.1');
    await once(silent, 'connect');
    assert.equal(await readAll(silent), '');
    const { timeoutCounters, arrivalCounters, counts } = node;
    assert.deepEqual([timeoutCounters.tlsHandshake, arrivalCounters.handshakes.timeout], [1, 1]);
    while (counts.open > 0) await new Promise(setImmediate);
  });

  it('is for the listener of the name that TLS was told, among those of its port', async (context) => {
    const fixture = await started(context, { hasTls: true });
    const port = fixture.port();
    const tls = {
      certificates: ['default/www'],
      minVersion: TlsVersion.TLS_VERSION_1_2,
      clientAuth: ClientAuth.NONE,
    };
    const listeners = ['one', 'two'].map((name) => ({
      name,
      address: '127.0.0.1',
      port,
      hosts: [`${name}.test`],
      tls,
    }));
    assert.deepEqual(await fixture.apply({ items: [gatewayItem({ listeners })] }), []);
    const status = async (servername: string, host: string): Promise<string | undefined> => {
      const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      return /^HTTP\/1\.1 (\d+) /.exec(await readAll(socket))?.[1];
    };
    assert.equal(await status('one.test', 'one.test'), '200');
    assert.equal(await status('two.test', 'two.test'), '200');
    assert.equal(await status('two.test', 'one.test'), '421');
    assert.equal(await status('', 'one.test'), '200');
    assert.equal(await status('else.test', 'one.test'), '200');
    assert.equal(await status('one.test', 'else.test'), '404');
  });

  it('completes its handshake and has one answer when its port leaves meanwhile', async (context) => {
    const fixture = await started(context, { hasTls: true });
    const socket = connect(fixture.port(), '127.0.0.1');
    await once(socket, 'connect');
    while (fixture.node.counts.open === 0) await new Promise(setImmediate);
    const drained = fixture.node.drain(0);
    const secure = connectTls({ socket, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    secure.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await readAll(secure), /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n/i);
    await drained;
  });

  it('is believed to come from whom a trusted proxy names, in pieces too', async (context) => {
    const trustedProxies = ['127.0.0.1'];
    const fixture = await started(context, { proxyProtocol: ProxyProtocol.ACCEPT, trustedProxies });
    const header = 'PROXY TCP4 192.0.2.1 127.0.0.1 5 80\r\n';
    assert.match(await send(fixture, header + request), /for 192\.0\.2\.1$/m);
    const socket = connect({ port: fixture.port(), host: '127.0.0.1', noDelay: true });
    for (const byte of header) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    socket.write(request);
    assert.match(await readAll(socket), /for 192\.0\.2\.1$/m);
    assert.match(await send(fixture, `PROXY UNKNOWN\r\n${request}`), /for 127\.0\.0\.1$/m);
    assert.match(await send(fixture, request), /for 127\.0\.0\.1$/m);
    const large = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`;
    assert.match(await send(fixture, header + large), /for 192\.0\.2\.1$/m);
  });

  it('is not believed when nobody trusts it', async (context) => {
    const header = `PROXY TCP4 192.0.2.1 127.0.0.1 5 80\r\n${request}`;
    const accepting = await started(context, { proxyProtocol: ProxyProtocol.ACCEPT });
    assert.match(await send(accepting, header), /^HTTP\/1\.1 400 /);
    assert.match(await send(accepting, request), /for 127\.0\.0\.1$/m);
    const demanding = await started(context, { proxyProtocol: ProxyProtocol.REQUIRE });
    assert.equal(await send(demanding, header), '');
    assert.deepEqual([demanding.node.counts.open, demanding.node.arrivalCounters.proxy.untrusted], [0, 1]);
  });

  it('needs the header where one is required, whole and in time', async (context) => {
    const front = { proxyProtocol: ProxyProtocol.REQUIRE, trustedProxies: ['127.0.0.1'], requestHeadMs: 200 };
    const fixture = await started(context, front);
    const { proxy } = fixture.node.arrivalCounters;
    assert.equal(await send(fixture, request), '');
    assert.equal(await send(fixture, 'PROXY TCP4 nobody\r\n'), '');
    assert.equal(await send(fixture, 'PROXY TCP4 '), '');
    const ended = connect(fixture.port(), '127.0.0.1');
    ended.end('PROXY ');
    await readAll(ended);
    assert.deepEqual(proxy, { untrusted: 0, missing: 1, malformed: 1, timeout: 1, closed: 1 });
    assert.equal(fixture.node.timeoutCounters.requestHead, 1);
    assert.equal(fixture.node.counts.open, 0);
  });

  it('counts for the client that the proxy names, under its limit', async (context) => {
    const front = {
      proxyProtocol: ProxyProtocol.ACCEPT,
      trustedProxies: ['127.0.0.1'],
      connectionsPerAddressMax: 1,
    };
    const fixture = await started(context, front);
    const { counts } = fixture.node;
    const named = (last: number): string => `PROXY TCP4 192.0.2.${last} 127.0.0.1 5 80\r\n`;
    const keep = request.replace('close', 'keep-alive');
    const first = connect(fixture.port(), '127.0.0.1');
    first.write(named(1) + keep);
    await once(first, 'data');
    assert.equal(await send(fixture, named(1) + request), '');
    assert.match(await send(fixture, named(2) + request), /for 192\.0\.2\.2$/m);
    assert.equal(counts.refused.address, 1);
    first.destroy();
    while (counts.open > 0) await new Promise(setImmediate);
    assert.match(await send(fixture, named(1) + request), /for 192\.0\.2\.1$/m);
  });
});
