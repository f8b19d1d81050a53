// HTTPS at the front door, as clients meet it: which certificate they get, whom it lets in, and that a new one goes unnoticed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../../kit/eventually.ts';
import { gwctl } from '../../kit/gwctl.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { documents, type Resource, route, service } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { type Echo, type EchoUpstream, startEcho } from '../../kit/upstreams/echo.ts';
import { listen } from '../../kit/upstreams/listen.ts';

const certificate = (name: string, spec: object): Resource => ({
  kind: 'Certificate',
  metadata: { name },
  spec,
});

/** What stands in front of HTTP, in bytes. */
function proxyV2(address: readonly number[], port: number): Buffer {
  const addresses = Buffer.from([...address, 127, 0, 0, 1, port >> 8, port & 255, 1, 187]);
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1'), addresses]);
}

const get = (fields = ''): string =>
  `GET /echo HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n${fields}\r\n`;

describe('a listener with TLS', () => {
  const scope = new OwnScope();
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let www: IssuedCertificate;
  let wildcard: IssuedCertificate;
  let client: IssuedCertificate;
  let system: System;
  let upstream: EchoUpstream;
  let gateway: Resource;
  const ports: Record<string, number> = {};

  before(async () => {
    authority = await TestAuthority.create('Shop CA');
    stranger = await TestAuthority.create('Stranger');
    [www, wildcard, client] = await Promise.all([
      authority.issue({ names: ['www.shop.test'] }),
      authority.issue({ names: ['*.shop.test'] }),
      authority.issue({ names: ['ci'] }),
    ]);
    upstream = await startEcho(scope);
    const mirror = createServer((request, response) => {
      response.writeHead(200, { 'content-length': request.headers['content-length'] });
      request.pipe(response);
    });
    const mirrorPort = await listen(scope, mirror);
    const on = (name: string, tls: object | undefined, more: object = {}) => ({
      name,
      address: '127.0.0.1',
      port: 0,
      protocol: tls === undefined ? 'http' : 'https',
      ...(tls && { tls: { certificates: ['www'], ...tls } }),
      ...more,
    });
    const trust = ['ca'];
    gateway = {
      kind: 'Gateway',
      metadata: { name: 'default' },
      spec: {
        listeners: [
          on('https', { certificates: ['www', 'wildcard'] }),
          on('newest', { minVersion: 'TLSv1.3' }),
          on('members', { clientAuth: { mode: 'require', trust } }),
          on('guests', { clientAuth: { mode: 'optional', trust } }),
          on('proxied', {}, { proxyProtocol: 'accept' }),
          on('behind', undefined, { proxyProtocol: 'require' }),
        ],
        clientAddress: { trustedProxies: ['127.0.0.1'] },
        timeouts: { tlsHandshake: '2s' },
      },
    };
    system = await startSystem(scope, {
      resources: [
        certificate('ca', { certificate: authority.certificate }),
        certificate('www', www),
        certificate('wildcard', wildcard),
        gateway,
        service('echo', [upstream.port]),
        route('echo', '/', 'echo'),
        service('mirror', [mirrorPort]),
        route('mirror', '/mirror', 'mirror'),
      ],
    });
    const node = system.nodes[0]!;
    for (const name of ['https', 'newest', 'members', 'guests', 'proxied', 'behind'])
      ports[name] = await node.trafficPort(name);
  });
  after(() => scope.end());

  interface Answer {
    readonly status: number;
    readonly echo: Echo;
    readonly shown: string;
  }

  async function ask(
    listener: string,
    options: ConnectionOptions & { agent?: Agent | false; host?: string } = {},
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port: ports[listener]!,
        path: '/echo',
        servername: 'www.shop.test',
        ca: authority.certificate,
        agent: false,
        ...options,
      },
      (response) => {
        const socket = response.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } };
        const shown = socket.getPeerCertificate().subject?.CN ?? '';
        let text = '';
        response.on('data', (piece: Buffer) => (text += piece.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, echo: JSON.parse(text) as Echo, shown }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end();
    return promise;
  }

  /** Sends bytes over TCP and gives what comes back until the connection is closed. */
  async function exchange(listener: string, bytes: string | Buffer): Promise<string> {
    const socket = connectTcp(ports[listener]!, '127.0.0.1');
    return await readAll(socket, bytes);
  }

  async function readAll(socket: Socket, bytes: string | Buffer): Promise<string> {
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
    socket.on('error', () => {});
    socket.write(bytes, 'latin1');
    if (!socket.closed) await once(socket, 'close');
    return text;
  }

  /** What a new connection is shown. */
  async function leafNames(): Promise<string> {
    const socket = connectTls({ host: '127.0.0.1', port: ports['https']!, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subjectaltname = '' } = socket.getPeerCertificate();
    socket.destroy();
    return subjectaltname;
  }

  const failures = async (reason: string): Promise<number> =>
    (await scrape(system.nodes[0]!)).sum('causeway_tls_handshake_failures_total', { reason });

  const header = ({ headers }: Echo, name: string): string | undefined =>
    headers.find(([known]) => known === name)?.[1];

  it('forwards requests as those of https, with the certificate for the name', async () => {
    const { status, echo, shown } = await ask('https');
    assert.deepEqual([status, shown], [200, 'www.shop.test']);
    assert.equal(header(echo, 'x-forwarded-proto'), 'https');
    assert.equal((await ask('https', { servername: 'img.shop.test' })).shown, '*.shop.test');
    const checkServerIdentity = () => undefined;
    assert.equal(
      (await ask('https', { servername: 'other.test', checkServerIdentity })).shown,
      'www.shop.test',
    );
    assert.equal((await ask('https', { servername: '', checkServerIdentity })).shown, 'www.shop.test');
  });

  it('carries large bodies both ways, whole and in order, also to who is slow', async () => {
    const sent = randomBytes(6 << 20);
    const socket = connectTls({ host: '127.0.0.1', port: ports['https']!, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const two = Buffer.from('GET /echo HTTP/1.1\r\nHost: a.test\r\n\r\n'.repeat(2));
    const head = `POST /mirror HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: ${sent.length}\r\n\r\n`;
    socket.write(Buffer.concat([two, Buffer.from(head), sent]));
    const pieces: Buffer[] = [];
    for await (const piece of socket as AsyncIterable<Buffer>) {
      pieces.push(piece);
      // Longer than it takes to fill all that lies between.
      if (pieces.length % 32 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const received = Buffer.concat(pieces);
    assert.equal(received.toString('latin1').split('HTTP/1.1 200 OK\r\n').length - 1, 3);
    assert.ok(received.subarray(-sent.length).equals(sent));
  });

  it('speaks with openssl and curl, in the versions that it may', async () => {
    const openssl = (...args: string[]) =>
      run('openssl', [
        's_client',
        '-connect',
        `127.0.0.1:${ports['https']}`,
        '-servername',
        'www.shop.test',
        ...args,
      ]);
    assert.match(await openssl('-tls1_3', '-alpn', 'http/1.1'), /ALPN protocol: http\/1\.1/);
    assert.match(await openssl('-tls1_2'), /Protocol *: TLSv1\.2/);
    await assert.rejects(openssl('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'), /alert protocol version/);
    const resolve = `www.shop.test:${ports['newest']}:127.0.0.1`;
    const url = `https://www.shop.test:${ports['newest']}/echo`;
    assert.match(await run('curl', ['-sk', '--resolve', resolve, url]), /"upstream":"echo"/);
    await assert.rejects(run('curl', ['-sk', '--tls-max', '1.2', '--resolve', resolve, url]));
    const before1 = await failures('version');
    assert.ok(before1 >= 2, String(before1));
  });

  it('resumes sessions across connections', async () => {
    const visit = async (session?: Buffer): Promise<{ ticket: Buffer | undefined; isResumed: boolean }> => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: ports['https']!,
        servername: 'www.shop.test',
        ca: authority.certificate,
        ...(session && { session }),
      });
      let ticket: Buffer | undefined;
      socket.on('session', (given: Buffer) => (ticket = given));
      await once(socket, 'secureConnect');
      const isResumed = socket.isSessionReused();
      assert.match(await readAll(socket, get()), /^HTTP\/1\.1 200 /);
      return { ticket, isResumed };
    };
    const first = await visit();
    assert.ok(first.ticket && !first.isResumed);
    assert.equal((await visit(first.ticket)).isResumed, true);
  });

  it('lets in clients by their certificates', async () => {
    const own = { cert: client.certificate, key: client.key };
    const untrusted = await stranger.issue({ names: ['ci'] });
    const others = { cert: untrusted.certificate, key: untrusted.key };
    assert.equal((await ask('members', own)).status, 200);
    await assert.rejects(ask('members'));
    await assert.rejects(ask('members', others));
    assert.equal((await ask('guests')).status, 200);
    assert.equal((await ask('guests', own)).status, 200);
    await assert.rejects(ask('guests', others));
    assert.equal(await failures('clientCertificate'), 3);
  });

  it('tells clients of plain HTTP, and bears what is nothing at all', async () => {
    assert.match(await exchange('https', get()), /^HTTP\/1\.1 400 Bad Request\r\n[^]*This port speaks HTTPS/);
    await exchange('https', Buffer.from(`160301020001${'00'.repeat(600)}`, 'hex'));
    await exchange('https', Buffer.from(`1603010200${'ff'.repeat(600)}`, 'hex'));
    await exchange('https', 'rubbish'.repeat(100));
    const gone = connectTcp(ports['https']!, '127.0.0.1');
    gone.end(Buffer.from('1603010200', 'hex'));
    await once(gone.resume(), 'close');
    assert.equal(await failures('plainHttp'), 1);
    assert.ok((await failures('malformed')) >= 3);
    assert.equal(await failures('closed'), 1);
    assert.equal((await ask('https')).status, 200);
  });

  it('waits only so long for a handshake, however slowly it comes', async () => {
    const socket = connectTcp(ports['https']!, '127.0.0.1');
    const hello = Buffer.from('1603010200010001fc0303', 'hex');
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < hello.length) socket.write(hello.subarray(sent, (sent += 1)));
    }, 100);
    socket.on('error', () => {});
    await once(socket, 'close');
    clearInterval(timer);
    const metrics = await scrape(system.nodes[0]!);
    assert.equal(metrics.sum('causeway_client_timeouts_total', { limit: 'tlsHandshake' }), 1);
    assert.equal(metrics.sum('causeway_tls_handshake_failures_total', { reason: 'timeout' }), 1);
  });

  it('takes the word of a trusted proxy for who the client is, in front of TLS', async () => {
    const through = async (head: Buffer | string): Promise<string> => {
      const socket = connectTcp(ports['proxied']!, '127.0.0.1');
      socket.write(head, 'latin1');
      const secure = connectTls({ socket, servername: 'www.shop.test', ca: authority.certificate });
      return readAll(secure, get('X-Forwarded-For: 6.6.6.6\r\n'));
    };
    const seen = (answer: string): unknown =>
      header(JSON.parse(answer.slice(answer.indexOf('{'))) as Echo, 'x-forwarded-for');
    assert.equal(seen(await through(proxyV2([192, 0, 2, 7], 4711))), '192.0.2.7');
    assert.equal(seen(await through('PROXY TCP6 2001:db8::7 ::1 4711 443\r\n')), '2001:db8::7');
    assert.equal(seen(await through('')), '6.6.6.6, 127.0.0.1', 'without a header it is the proxy itself');
    assert.equal(
      seen(await exchange('behind', `PROXY TCP4 192.0.2.9 127.0.0.1 1 80\r\n${get()}`)),
      '192.0.2.9',
    );
    assert.equal(await exchange('behind', get()), '');
    assert.equal(await exchange('behind', 'PROXY TCP4 x y 1 80\r\n'), '');
    const count = async (reason: string) =>
      (await scrape(system.nodes[0]!)).sum('causeway_proxy_protocol_failures_total', { reason });
    assert.deepEqual([await count('missing'), await count('malformed')], [1, 1]);
  });

  it('bears a storm of handshakes', async () => {
    const statuses: number[] = [];
    const one = async (): Promise<void> => {
      for (let times = 0; times < 40; times += 1) statuses.push((await ask('https')).status);
    };
    await Promise.all(Array.from({ length: 25 }, one));
    assert.equal(statuses.length, 1000);
    assert.ok(statuses.every((status) => status === 200));
  });

  it('gets new certificates under traffic that never notices', { timeout: 120_000 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const answers: number[] = [];
    const shown = new Set<string>();
    const over = new AbortController();
    const load = async (options: { agent: Agent | false }): Promise<void> => {
      while (!over.signal.aborted) {
        const answer = await ask('https', options);
        answers.push(answer.status);
        if (options.agent === false) shown.add(answer.shown);
      }
    };
    const kept = connectTls({ host: '127.0.0.1', port: ports['https']!, rejectUnauthorized: false });
    await once(kept, 'secureConnect');
    // Without a first request it would have to send one soon.
    kept.write('GET /echo HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await once(kept, 'data');
    const loads = Promise.all([load({ agent }), load({ agent }), load({ agent: false })]);
    try {
      for (let times = 0; times < 100; times += 1) {
        const names = ['www.shop.test', `n${times}.test`];
        await system.apply([certificate('www', await authority.issue({ names }))]);
        assert.match(
          await leafNames(),
          new RegExp(`DNS:n${times}\\.test`),
          'at once, whichever worker it is',
        );
      }
    } finally {
      over.abort();
    }
    await loads;
    agent.destroy();
    assert.ok(answers.length > 100);
    assert.ok(answers.every((status) => status === 200));
    assert.match(await readAll(kept, get()), /^HTTP\/1\.1 200 /, 'the connection of before is still there');
  });

  it('goes on with the old certificate when a node cannot use the new one, and says so', async (t) => {
    const old = await leafNames();
    const kept = connectTls({ host: '127.0.0.1', port: ports['https']!, rejectUnauthorized: false });
    await once(kept, 'secureConnect');
    // Well-formed, so that it may be written; too weak for OpenSSL, which only whoever uses it finds out.
    const weak = await weakPair(await tempDir(t), 'weak.test');
    const revision = await system.admin.apply([certificate('www', weak)]);
    const rejected = await eventually(() => system.admin.revisionStatus(revision), {
      what: 'the node refuses it',
      until: ({ nodes }) => nodes.some(({ state }) => state === 'rejected'),
    });
    assert.equal(rejected.nodes.length, 1);
    const { stdout } = await gwctl(['describe', 'node', 'node-1'], {
      config: system.controlPlane.gwctlConfig,
    });
    assert.match(stdout, /invalid_resource[^]*certificate\/default\/www cannot be used: [^]*key too small/);
    assert.ok(!stdout.includes('PRIVATE KEY'));
    assert.equal(await leafNames(), old);
    assert.equal((await ask('https')).status, 200);
    assert.match(await readAll(kept, get()), /^HTTP\/1\.1 200 /);
    assert.equal(system.nodes[0]!.child.running, true);
    await system.apply([certificate('www', www)]);
    assert.match(await leafNames(), /^DNS:www\.shop\.test$/);
  });

  it('refuses what cannot be served, and shows how long certificates last', async () => {
    const refused = async (...resources: Resource[]): Promise<string> => {
      await assert.rejects(system.admin.apply(resources), /422/);
      return await system.admin.apply(resources).then(
        () => '',
        (error: unknown) => String(error),
      );
    };
    const listening = (tls: object, more: object = {}): Resource => ({
      kind: 'Gateway',
      metadata: { name: 'other' },
      spec: { listeners: [{ name: 'x', port: 0, protocol: 'https', tls, ...more }] },
    });
    assert.match(await refused(listening({ certificates: ['ca'] })), /certificate\/default\/ca has no key/);
    assert.match(await refused(listening({ certificates: ['nobody'] })), /no Certificate named/);
    assert.match(await refused(listening({ certificates: ['www'], ciphers: ['NO-SUCH'] })), /NO-SUCH/);
    assert.match(await refused(certificate('www', { ...www, key: wildcard.key })), /does not belong/);
    const twins = [certificate('again', www), listening({ certificates: ['www', 'again'] })];
    const warned = await system.admin.call('POST', 'apply', { body: documents(twins) });
    assert.match(
      warned.text,
      /certificate\/again of listener x is for www\.shop\.test, and so is certificate\/www, which clients get/,
    );
    const seconds = (await scrape(system.nodes[0]!)).value('causeway_certificate_expiry_seconds', {
      certificate: 'default/wildcard',
    });
    assert.ok(seconds > 29 * 86_400 && seconds < 30 * 86_400, String(seconds));
    assert.equal((await ask('https')).status, 200);
  });
});

/** Standard output and errors of a program that has nothing to read. Rejects with them when it fails. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) =>
    error === null ? resolve(stdout + stderr) : reject(new Error(stdout + stderr, { cause: error })),
  );
  child.stdin?.end();
  return promise;
}

/** RSA of 1024 bits: OpenSSL takes none below 2048 by default. */
async function weakPair(directory: string, name: string): Promise<IssuedCertificate> {
  const [keyFile, certificateFile] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const files = ['-keyout', keyFile, '-out', certificateFile];
  const request = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-days', '30', '-subj', `/CN=${name}`];
  await run('openssl', [...request, '-addext', `subjectAltName=DNS:${name}`, ...files]);
  return { certificate: await readFile(certificateFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
}
