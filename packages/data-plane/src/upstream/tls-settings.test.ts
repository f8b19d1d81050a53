import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { before, describe, it, type TestContext } from 'node:test';
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import { createUpstreamTls, tlsConnectOptions, type UpstreamTlsParts } from './tls-settings.ts';

const defaults: UpstreamTlsParts = {
  serverName: undefined,
  trust: [],
  client: undefined,
  verify: true,
  minVersion: 'TLSv1.2',
};

/** What came of a connection: the peer's view of it, or why there was none. */
interface Outcome {
  readonly code?: string;
  readonly serverName?: string | false;
  readonly version?: string | null;
  readonly client?: string;
}

describe('tlsConnectOptions', () => {
  let authority: TestAuthority;
  let upstream: IssuedCertificate;
  let client: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    upstream = await authority.issue({ names: ['orders.internal', '127.0.0.1'] });
    client = await authority.issue({ names: ['gateway'] });
  });

  /** Connects to an upstream with these settings, as a pool does: to an address that was resolved before. */
  async function outcome(
    t: TestContext,
    parts: Partial<UpstreamTlsParts>,
    { serverName, address = 'orders.internal' }: { serverName?: string; address?: string } = {},
    options: TlsOptions = {},
  ): Promise<Outcome> {
    const { certificate: cert, key } = upstream;
    const server = createServer({ cert, key, ...options });
    const seen = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const tls = createUpstreamTls({ ...defaults, trust: [authority.certificate], ...parts });
    const { port } = server.address() as AddressInfo;
    const socket = connect({
      ...tlsConnectOptions(tls, { serverName, address }, 'http/1.1'),
      host: '127.0.0.1',
      port,
    });
    try {
      await once(socket, 'secureConnect');
      const [peer] = await seen;
      peer.on('error', () => {});
      const { servername } = peer as TLSSocket & { servername: string | false };
      return {
        serverName: servername,
        version: peer.getProtocol(),
        client: String(peer.getPeerCertificate().subject?.CN ?? ''),
      };
    } catch (error) {
      return { code: (error as NodeJS.ErrnoException).code ?? 'none' };
    } finally {
      socket.destroy();
    }
  }

  it('asks for and verifies the name of the endpoint, else that of the Service, else the DNS name', async (t) => {
    const named = (serverName: string) => ({ serverName, version: 'TLSv1.3', client: '' });
    assert.deepEqual(await outcome(t, {}), named('orders.internal'));
    const serverName = 'orders.internal';
    assert.deepEqual(await outcome(t, { serverName }, { address: '10.0.0.1' }), named(serverName));
    assert.deepEqual(await outcome(t, { serverName: 'other' }, { serverName }), named(serverName));
    const refused = { code: 'ERR_TLS_CERT_ALTNAME_INVALID' };
    assert.deepEqual(await outcome(t, {}, { address: 'other.internal' }), refused);
    assert.deepEqual(await outcome(t, { serverName: 'other' }), refused);
    assert.deepEqual(await outcome(t, {}, { serverName: 'other' }), refused);
  });

  it('verifies a name that is an address, and does not send it', async (t) => {
    assert.deepEqual(await outcome(t, { serverName: '127.0.0.1' }), {
      serverName: false,
      version: 'TLSv1.3',
      client: '',
    });
    assert.deepEqual(await outcome(t, { serverName: '10.0.0.1' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('trusts what it is told to, and the system store of nobody in particular', async (t) => {
    const stranger = await TestAuthority.create('Stranger');
    const refused = { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' };
    assert.deepEqual(await outcome(t, { trust: [stranger.certificate] }), refused);
    assert.deepEqual(await outcome(t, { trust: [] }), refused);
    const both = await outcome(t, { trust: [stranger.certificate + authority.certificate] });
    assert.equal(both.serverName, 'orders.internal');
    assert.equal((await outcome(t, { trust: [], verify: false })).serverName, 'orders.internal');
  });

  it('refuses a certificate that is out of its time (fault D17)', async (t) => {
    const times = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
    const { certificate: cert, key } = await authority.issue({ names: ['orders.internal'], ...times });
    assert.deepEqual(await outcome(t, {}, {}, { cert, key }), { code: 'CERT_HAS_EXPIRED' });
  });

  it('shows its certificate to who asks for one', async (t) => {
    const asks = { requestCert: true, ca: [authority.certificate], rejectUnauthorized: true };
    const { certificate: chain, key } = client;
    assert.equal((await outcome(t, { client: { chain, key } }, {}, asks)).client, 'gateway');
  });

  it('speaks no version older than it may', async (t) => {
    const old: TlsOptions = { maxVersion: 'TLSv1.2' };
    assert.equal((await outcome(t, {}, {}, old)).version, 'TLSv1.2');
    const refused = await outcome(t, { minVersion: 'TLSv1.3' }, {}, old);
    assert.match(refused.code ?? '', /ERR_SSL_.*(VERSION|PROTOCOL)/);
  });
});
