import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { before, describe, it, type TestContext } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import { listenRaw } from '../../testing/raw-upstream.ts';
import type { HandshakeFailure } from '../arrival-counters.ts';
import { fingerprintOf, Staples } from './ocsp/staples.ts';
import { TlsAcceptor, type TlsFacts, type TlsParts } from './tls-acceptor.ts';

interface Heard {
  readonly secured: TlsFacts[];
  readonly failed: HandshakeFailure[];
}

interface Seen {
  /** Common name of what the server has shown; undefined in a resumed session, which shows nothing. */
  readonly name: string | undefined;
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
  /** What OCSP says, where it was asked for and shown. */
  readonly staple: string | undefined;
}

/** Greets whoever it lets in. */
async function listen(context: TestContext, acceptor: TlsAcceptor): Promise<Heard & { port: number }> {
  const heard: Heard = { secured: [], failed: [] };
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted: Socket) => {
    acceptor.accept(accepted, {
      onSecured: (socket, facts) => {
        heard.secured.push(facts);
        socket.on('error', () => {});
        socket.end('welcome');
      },
      onHandshakeFailed: (failure) => heard.failed.push(failure),
    });
  });
  return { ...heard, port: await listenRaw(context, server) };
}

/** Undefined when it was not let in. */
async function visit(port: number, options: ConnectionOptions = {}): Promise<Seen | undefined> {
  const { promise, resolve } = Promise.withResolvers<Seen | undefined>();
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  let session: Buffer | undefined;
  let staple: string | undefined;
  socket.on('OCSPResponse', (response: Buffer | null) => (staple = response?.toString()));
  let greeting = '';
  socket.on('session', (ticket: Buffer) => (session = ticket));
  socket.on('data', (bytes) => (greeting += bytes.toString()));
  socket.on('error', () => {});
  let name: string | undefined;
  let isResumed = false;
  socket.on('secureConnect', () => {
    name = socket.getPeerCertificate().subject?.CN as string | undefined;
    isResumed = socket.isSessionReused();
  });
  socket.on('close', () => resolve(greeting === '' ? undefined : { name, isResumed, session, staple }));
  return promise;
}

const ticketKeys = randomBytes(48);

describe('TLS of a port', () => {
  let authority: TestAuthority;
  let first: IssuedCertificate;
  let exact: IssuedCertificate;
  let wildcard: IssuedCertificate;
  let client: IssuedCertificate;
  let untrusted: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    const stranger = await TestAuthority.create('Stranger');
    first = await authority.issue({ names: ['first.test', '127.0.0.1'] });
    exact = await authority.issue({ names: ['api.shop.test', 'SHOP.test'] });
    wildcard = await authority.issue({ names: ['*.shop.test'] });
    client = await authority.issue({ names: ['ci', 'ci.test', '10.0.0.1'] });
    untrusted = await stranger.issue({ names: ['ci'] });
  });

  function parts(more: Partial<TlsParts> = {}): TlsParts {
    const pair = (name: string, { certificate, key }: IssuedCertificate) => ({
      name,
      chain: certificate,
      key,
    });
    const certificates = [pair('first', first), pair('exact', exact), pair('wildcard', wildcard)];
    return {
      certificates,
      http2: false,
      minVersion: 'TLSv1.2',
      ciphers: [],
      clientAuth: 'none',
      trust: [],
      staples: undefined,
      ...more,
    };
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`shows the staple of the certificate that it shows, to whoever asks for it (${version})`, async (context) => {
      const clock = { nowMs: 1000, wallMs: () => clock.nowMs };
      const staples = new Staples(clock);
      const acceptor = new TlsAcceptor(parts({ staples }), ticketKeys);
      const { port, failed } = await listen(context, acceptor);
      const learn = ({ certificate }: IssuedCertificate, text: string | undefined): void => {
        const fingerprint = fingerprintOf(new X509Certificate(certificate).raw);
        const staple = text === undefined ? undefined : { response: Buffer.from(text), untilMs: 2000 };
        staples.learn({ fingerprint, staple });
      };
      const shown = async (servername: string, requestOCSP = true) => {
        const seen = await visit(port, { servername, requestOCSP, minVersion: version, maxVersion: version });
        assert.ok(seen !== undefined);
        return seen.staple;
      };
      assert.equal(await shown('shop.test'), undefined);
      learn(exact, 'of exact');
      learn(first, 'of first');
      assert.equal(await shown('shop.test'), 'of exact');
      assert.equal(await shown('elsewhere.test'), 'of first');
      assert.equal(await shown('www.shop.test'), undefined);
      assert.equal(await shown('shop.test', false), undefined);
      learn(exact, 'newer');
      acceptor.useTicketKeys(randomBytes(48));
      assert.equal(await shown('shop.test'), 'newer');
      learn(exact, undefined);
      assert.equal(await shown('shop.test'), undefined);
      clock.nowMs = 1999;
      assert.equal(await shown('elsewhere.test'), 'of first');
      clock.nowMs = 2000;
      assert.equal(await shown('elsewhere.test'), undefined);
      assert.deepEqual(failed, []);
    });

  it('shows no staple where none is wanted', async (context) => {
    const { port } = await listen(context, new TlsAcceptor(parts(), ticketKeys));
    assert.equal((await visit(port, { requestOCSP: true }))?.staple, undefined);
  });

  it('shows the certificate for the name: exact, then a wildcard of one label, then the first one', async (context) => {
    const { port, secured, failed } = await listen(context, new TlsAcceptor(parts(), ticketKeys));
    const shown = async (servername: string) => (await visit(port, { servername }))?.name;
    assert.equal(await shown('api.shop.test'), 'api.shop.test');
    assert.equal(await shown('API.Shop.Test'), 'api.shop.test');
    assert.equal(await shown('shop.test'), 'api.shop.test');
    assert.equal(await shown('www.shop.test'), '*.shop.test');
    assert.equal(await shown('a.b.shop.test'), 'first.test');
    assert.equal(await shown('elsewhere.test'), 'first.test');
    assert.equal((await visit(port))?.name, 'first.test');
    assert.deepEqual(
      secured.map(({ serverName }) => serverName),
      [
        'api.shop.test',
        'api.shop.test',
        'shop.test',
        'www.shop.test',
        'a.b.shop.test',
        'elsewhere.test',
        undefined,
      ],
    );
    assert.deepEqual(failed, []);
  });

  it('shows the first one to whoever asks for something odd: no name makes its choice fail', async (context) => {
    const { port, secured, failed } = await listen(context, new TlsAcceptor(parts(), ticketKeys));
    const odd = [
      '__proto__',
      'constructor',
      '.',
      '..',
      '*',
      '*.',
      'a..',
      '.a',
      '\u00e4.test',
      ' ',
      '%00',
      '\n',
    ];
    for (const servername of [...odd, 'x'.repeat(255), `${'a.'.repeat(120)}test`])
      assert.equal((await visit(port, { servername }))?.name, 'first.test', JSON.stringify(servername));
    assert.deepEqual([secured.length, failed], [odd.length + 2, []]);
  });

  it('speaks no older version than it may, and only the ciphers that are listed', async (context) => {
    const newest = await listen(context, new TlsAcceptor(parts({ minVersion: 'TLSv1.3' }), ticketKeys));
    assert.ok(await visit(newest.port));
    assert.equal(await visit(newest.port, { maxVersion: 'TLSv1.2' }), undefined);
    assert.deepEqual(newest.failed, ['version']);
    const ciphers = ['ECDHE-ECDSA-AES256-GCM-SHA384'];
    const listed = await listen(context, new TlsAcceptor(parts({ ciphers }), ticketKeys));
    assert.ok(await visit(listed.port, { maxVersion: 'TLSv1.2', ciphers: ciphers[0]! }));
    assert.ok(await visit(listed.port, { minVersion: 'TLSv1.3' }), 'the list is about TLS 1.2');
    const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const;
    assert.equal(await visit(listed.port, other), undefined);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
    assert.equal(await visit(listed.port, old), undefined);
    assert.deepEqual(listed.failed, ['cipher', 'version']);
  });

  it('agrees on HTTP/1.1, and on nothing with a client that speaks only something else', async (context) => {
    const { port, failed } = await listen(context, new TlsAcceptor(parts(), ticketKeys));
    assert.ok(await visit(port, { ALPNProtocols: ['h2', 'http/1.1'] }));
    assert.equal(await visit(port, { ALPNProtocols: ['spdy/3'] }), undefined);
    assert.deepEqual(failed, ['alpn']);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`resumes a session of ${version} on any port with the same keys, until they are rotated`, async (context) => {
      const [one, other] = [new TlsAcceptor(parts(), ticketKeys), new TlsAcceptor(parts(), ticketKeys)];
      const [here, there] = [await listen(context, one), await listen(context, other)];
      const options = { servername: 'www.shop.test', minVersion: version, maxVersion: version };
      const { session } = (await visit(here.port, options))!;
      assert.ok(session);
      assert.equal((await visit(here.port, { ...options, session }))?.isResumed, true);
      assert.equal((await visit(there.port, { ...options, session }))?.isResumed, true);
      other.useTicketKeys(randomBytes(48));
      const anew = await visit(there.port, { ...options, session });
      assert.deepEqual([anew?.isResumed, anew?.name], [false, '*.shop.test']);
    });

    it(`demands a certificate of clients, also of those that resume a session of ${version}`, async (context) => {
      const open = await listen(context, new TlsAcceptor(parts(), ticketKeys));
      const demanding = parts({ clientAuth: 'require', trust: [authority.certificate] });
      const { port, secured, failed } = await listen(context, new TlsAcceptor(demanding, ticketKeys));
      const options = { minVersion: version, maxVersion: version };
      const own = { cert: client.certificate, key: client.key };
      assert.equal(await visit(port, options), undefined);
      assert.equal(
        await visit(port, { ...options, cert: untrusted.certificate, key: untrusted.key }),
        undefined,
      );
      const { session: stranger } = (await visit(open.port, options))!;
      assert.equal(await visit(port, { ...options, session: stranger }), undefined);
      assert.deepEqual(failed, ['clientCertificate', 'clientCertificate', 'clientCertificate']);
      assert.equal(secured.length, 0);
      const known = await visit(port, { ...options, ...own });
      assert.ok(known);
      assert.equal((await visit(port, { ...options, ...own, session: known.session! }))?.isResumed, true);
      const identity = {
        subject: 'CN=ci',
        commonName: 'ci',
        alternativeNames: ['dns:ci', 'dns:ci.test', 'ip:10.0.0.1'],
        sha256: new X509Certificate(client.certificate).fingerprint256.replaceAll(':', '').toLowerCase(),
      };
      assert.deepEqual(
        secured.map(({ clientCertificate }) => clientCertificate),
        [identity, identity],
      );
      const others = parts({
        clientAuth: 'require',
        trust: [(await TestAuthority.create('New')).certificate],
      });
      const changed = await listen(context, new TlsAcceptor(others, ticketKeys));
      assert.equal(
        await visit(changed.port, { ...options, ...own, session: known.session! }),
        undefined,
        'a session is worth nothing where others are trusted',
      );
    });
  }

  it('may ask for a certificate and do without, but takes none that does not verify', async (context) => {
    const optional = parts({ clientAuth: 'optional', trust: [authority.certificate] });
    const { port, secured, failed } = await listen(context, new TlsAcceptor(optional, ticketKeys));
    assert.ok(await visit(port));
    assert.ok(await visit(port, { cert: client.certificate, key: client.key }));
    assert.equal(await visit(port, { cert: untrusted.certificate, key: untrusted.key }), undefined);
    assert.deepEqual(
      secured.map(({ clientCertificate }) => clientCertificate?.commonName),
      [undefined, 'ci'],
    );
    assert.deepEqual(failed, ['clientCertificate']);
  });

  it('cannot be made of a pair that does not fit, a broken chain or unknown ciphers, and never quotes the key', () => {
    const pair = (chain: string, key: string) =>
      parts({ certificates: [{ name: 'default/www', chain, key }] });
    const of = (bad: TlsParts) => () => new TlsAcceptor(bad, ticketKeys);
    assert.throws(
      of(pair(first.certificate, exact.key)),
      /^Error: certificate\/default\/www cannot be used: /,
    );
    assert.throws(of(pair('nothing', exact.key)), /certificate\/default\/www/);
    assert.throws(of(pair(first.certificate, 'secret')), (error: Error) => !error.message.includes('secret'));
    assert.throws(of(parts({ ciphers: ['NO-SUCH-CIPHER'], minVersion: 'TLSv1.2' })));
  });
});
