// WebSockets as applications and browsers have them, through a node: what passes, what is refused, and how they end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { headerValues } from '../../kit/raw-message.ts';
import { handshakeHead, openRawWebSocket } from '../../kit/raw-websocket.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { standstill } from '../../kit/standstill.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { type SeenHandshake, startWebSocket, type WebSocketUpstream } from '../../kit/upstreams/websocket.ts';
import { openWebSocket, type Refusal, refusedWebSocket } from '../../kit/websocket-client.ts';
import { closeOf, encodeClose, encodeFrame, opcodes } from '../../kit/websocket-frames.ts';

const mebibyte = 1 << 20;

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

const reasonOf = ({ body }: Refusal): unknown => (JSON.parse(body) as { reason: unknown }).reason;

describe('a WebSocket through a node', { concurrency: true }, () => {
  const scope = new OwnScope();
  let system: System;
  let plain: WebSocketUpstream;
  let deflating: WebSocketUpstream;
  let secure: WebSocketUpstream;
  let port: number;
  let tlsPort: number;
  let accessLog: string;
  const at = (path: string): string => `ws://127.0.0.1:${port}${path}`;
  const securelyAt = (path: string): string => `wss://localhost:${tlsPort}${path}`;

  before(async () => {
    const authority = await TestAuthority.create('Chat CA');
    const www = await authority.issue({ names: ['localhost'] });
    const chat = await authority.issue({ names: ['chat.test'] });
    [plain, deflating, secure] = [
      await startWebSocket(scope, { name: 'plain' }),
      await startWebSocket(scope, { deflate: true }),
      await startWebSocket(scope, { certificate: chat, deflate: true }),
    ];
    accessLog = join(await tempDir(scope), 'access.log');
    const on = (name: string, more: object = {}) => ({ name, address: '127.0.0.1', port: 0, ...more });
    const certificate = (name: string, spec: object): Resource => ({
      kind: 'Certificate',
      metadata: { name },
      spec,
    });
    const listeners = [on('http'), on('https', { protocol: 'https', tls: { certificates: ['www'] } })];
    const closed = [{ respond: { status: 451, body: 'not in your country' } }];
    system = await startSystem(scope, {
      resources: [
        gateway({ listeners, accessLog: { output: `file:${accessLog}` }, timeouts: { drainDelay: '0s' } }),
        certificate('www', { ...www }),
        certificate('ca', { certificate: authority.certificate }),
        service('plain', [plain.port]),
        service('deflating', [deflating.port]),
        service('secure', [secure.port], {
          protocol: 'https',
          tls: { serverName: 'chat.test', trust: ['ca'] },
        }),
        service('dead', [await deadPort()]),
        service('half', [await deadPort(), plain.port]),
        route('half', '/half', 'half', { retry: { attempts: 1, errors: ['connectFailure'] } }),
        service('sticky', [plain.port, deflating.port], { affinity: { cookie: { name: 'chat' } } }),
        route('plain', '/plain', 'plain'),
        route('status', '/status', 'plain'),
        route('deflating', '/deflating', 'deflating'),
        route('secure', '/secure', 'secure'),
        route('dead', '/dead', 'dead'),
        route('sticky', '/sticky', 'sticky'),
        route('off', '/off', 'plain', { websocket: { enabled: false } }),
        route('origins', '/origins', 'plain', {
          websocket: { allowOrigins: ['https://chat.example.com', 'https://*.example.org'] },
        }),
        route('few', '/few', 'plain', { websocket: { maxConnections: 3 } }),
        route('idle', '/idle', 'plain', { timeouts: { streamIdle: '1s' } }),
        route('short', '/short', 'plain', { websocket: { maxLifetime: '1s' } }),
        route('hasty', '/hasty', 'plain', { timeouts: { request: '1s', idle: '1s', backendRequest: '1s' } }),
        route('logged', '/logged', 'plain'),
        route('closed', '/closed', '', { backends: [], filters: closed }),
        route('late', '/late', 'plain', { filters: [{ faultInjection: { percent: 100, delay: '300ms' } }] }),
      ],
    });
    port = await system.nodes[0]!.trafficPort('http');
    tlsPort = await system.nodes[0]!.trafficPort('https');
  });
  after(() => scope.end());

  for (const deflate of [false, true]) {
    for (const path of ['/plain', '/deflating', '/secure']) {
      for (const tls of [false, true]) {
        const offer = deflate ? 'that offers permessage-deflate' : 'that offers no extension';
        it(`echoes for a client ${offer}, ${tls ? 'over TLS' : 'in the clear'}, from ${path}`, async (t) => {
          const client = await openWebSocket(t, tls ? securelyAt(path) : at(path), { deflate });
          const compresses = deflate && path !== '/plain';
          assert.equal(client.socket.extensions !== '', compresses);
          assert.equal(await client.ask('ein Text, ⚡'), 'ein Text, ⚡');
          assert.deepEqual(await client.ask(Buffer.of(0, 1, 255)), Buffer.of(0, 1, 255));
          assert.equal(await client.ask(''), '');
          const large = Buffer.alloc(mebibyte);
          for (let index = 0; index < large.length; index += 1) large[index] = (index * 7919) >> 5;
          assert.deepEqual(await client.ask(large), large);
          client.socket.send('who', { fin: false });
          client.socket.send('le', { fin: false });
          client.socket.send('some', { fin: true });
          assert.equal(await client.next(), 'wholesome');
          assert.equal(await client.ask('fragments a b c'), 'abc');
          assert.equal(await client.ping('are you there'), 'are you there');
          assert.equal(await client.ask('ping me'), 'pong me');
          assert.deepEqual(await client.close(4001, 'bye'), { code: 4001, reason: 'bye' });
        });
      }
    }
  }

  it('keeps the code that the upstream closes with, and the one that the client does', async (t) => {
    const told = await openWebSocket(t, at('/plain'));
    await told.send('close 4001 see you');
    assert.deepEqual(await told.closed(), { code: 4001, reason: 'see you' });
    const tells = await openWebSocket(t, at('/plain'));
    tells.socket.close(4007, 'client goes');
    await eventually(() => plain.closes.find(({ code }) => code === 4007), {
      what: 'the upstream is told',
      until: (closed) => closed?.reason === 'client goes',
    });
    const wordless = await openWebSocket(t, at('/plain'));
    await wordless.send('close');
    assert.deepEqual(await wordless.closed(), { code: 1005, reason: '' });
  });

  it('passes query, subprotocols and headers of the handshake, and what the upstream answers to them', async (t) => {
    const client = await openWebSocket(t, at('/plain/room?a=1&b=%20'), {
      protocols: ['v2.chat', 'v1.chat'],
      headers: { authorization: 'Bearer x', cookie: 'a=b' },
      origin: 'https://anywhere.example.com',
    });
    assert.equal(client.socket.protocol, 'v2.chat');
    const { target, headers } = JSON.parse(String(await client.ask('head'))) as SeenHandshake;
    assert.equal(target, '/plain/room?a=1&b=%20');
    const passed = [
      'sec-websocket-protocol',
      'sec-websocket-version',
      'authorization',
      'cookie',
      'origin',
      'upgrade',
    ];
    assert.deepEqual(
      passed.map((name) => headers[name]),
      ['v2.chat,v1.chat', '13', 'Bearer x', 'a=b', 'https://anywhere.example.com', 'websocket'],
    );
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.match(String(headers['x-request-id']), /^[0-9a-z]{16}$/);
  });

  it('gives what comes behind the head of the handshake to the upstream, and the other way round', async (t) => {
    const client = await rawConnect(t, port);
    const frame = encodeFrame({ opcode: opcodes.text, payload: 'at once' });
    await client.send(Buffer.concat([Buffer.from(handshakeHead('/plain')), frame]));
    const { status } = await client.readResponse();
    assert.equal(status, 101);
    assert.match(await client.expect('at once'), /at once$/);
  });

  it('goes byte by byte', async (t) => {
    const raw = await openRawWebSocket(t, port, '/plain');
    const frame = encodeFrame({ opcode: opcodes.text, payload: 'x'.repeat(130) });
    for (const byte of frame) await raw.client.send(Buffer.of(byte));
    assert.equal((await raw.readFrame()).payload.toString(), 'x'.repeat(130));
  });

  it('is refused from an origin that the Route does not list, 403, and taken from one that it does', async (t) => {
    for (const origin of ['https://evil.example', 'http://chat.example.com', 'https://example.org', 'null']) {
      const refusal = await refusedWebSocket(t, at('/origins'), { origin });
      assert.deepEqual([refusal.status, reasonOf(refusal)], [403, 'forbidden'], origin);
    }
    for (const origin of ['https://chat.example.com', 'https://a.b.example.org', undefined]) {
      const client = await openWebSocket(t, at('/origins'), origin === undefined ? {} : { origin });
      assert.equal(await client.ask('in'), 'in');
    }
  });

  it('is refused where the Route takes none, 426, while other requests pass', async (t) => {
    const refusal = await refusedWebSocket(t, at('/off'));
    assert.deepEqual([refusal.status, reasonOf(refusal)], [426, 'upgrade_refused']);
    assert.equal((await fetch(`http://127.0.0.1:${port}/off`)).status, 200);
  });

  it('is not opened where the upstream says no, and the client gets what it said', async (t) => {
    for (const status of [401, 403, 404, 500, 503]) {
      const refusal = await refusedWebSocket(t, at(`/status/${status}`));
      assert.deepEqual([refusal.status, refusal.body], [status, `refused with ${status}`]);
    }
  });

  it('is answered by filters before any upstream, or held up by them', async (t) => {
    const refusal = await refusedWebSocket(t, at('/closed'));
    assert.deepEqual([refusal.status, refusal.body], [451, 'not in your country']);
    assert.ok(!plain.handshakes.some(({ target }) => target === '/closed'));
    const startMs = performance.now();
    const client = await openWebSocket(t, at('/late'));
    assert.ok(performance.now() - startMs >= 250);
    assert.equal(await client.ask('late'), 'late');
  });

  it('finds no endpoint: 502, as other requests', async (t) => {
    const refusal = await refusedWebSocket(t, at('/dead'));
    assert.deepEqual([refusal.status, reasonOf(refusal)], [502, 'upstream_connect_failed']);
  });

  it('is tried again elsewhere where its Route says so', async (t) => {
    for (let count = 0; count < 4; count += 1)
      assert.equal(await (await openWebSocket(t, at('/half'))).ask('in'), 'in');
  });

  it('gets the cookie of its session with the 101, and returns by it', async (t) => {
    const first = await openWebSocket(t, at('/sticky'));
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    assert.match(cookie, /^chat=/);
    const name = await first.ask('name');
    for (let count = 0; count < 6; count += 1) {
      const next = await openWebSocket(t, at('/sticky'), { headers: { cookie: cookie.split(';')[0]! } });
      assert.equal(await next.ask('name'), name);
    }
  });

  it('is one of so many as the Route allows on the node, whichever worker has it: 503 over', async (t) => {
    const open = await Promise.all([1, 2, 3].map(() => openWebSocket(t, at('/few'))));
    for (let round = 0; round < 5; round += 1) {
      for (let more = 0; more < 4; more += 1) {
        const refusal = await refusedWebSocket(t, at('/few'));
        assert.deepEqual([refusal.status, reasonOf(refusal)], [503, 'overloaded']);
      }
      await open.shift()!.close(1000);
      open.push(await eventually(() => openWebSocket(t, at('/few')), { what: 'there is room for one more' }));
    }
    const metrics = await scrape(system.nodes[0]!);
    assert.ok(metrics.sum('causeway_requests_total', { route: 'default/few', reason: 'overloaded' }) >= 20);
  });

  it('ends with 1001 when nothing has come for as long as the Route says, and lives while something does', async (t) => {
    const idle = await openWebSocket(t, at('/idle'));
    const busy = await openWebSocket(t, at('/idle'));
    const talking = setInterval(() => busy.socket.ping(), 200);
    t.after(() => clearInterval(talking));
    assert.equal((await idle.closed()).code, 1001);
    assert.equal(await busy.ask('still here'), 'still here');
  });

  it('ends with 1001 when it is as old as the Route says, however busy', async (t) => {
    const client = await openWebSocket(t, at('/short'));
    const talking = setInterval(() => client.socket.ping(), 100);
    t.after(() => clearInterval(talking));
    assert.equal((await client.closed()).code, 1001);
  });

  it('outlives the time limits of ordinary requests', async (t) => {
    const client = await openWebSocket(t, at('/hasty'));
    const upstreamOpened = plain.opened;
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.equal(await client.ask('still here'), 'still here');
    assert.ok(plain.opened >= upstreamOpened);
  });

  it('that a client half closes still gets what the upstream sends, up to the end of it', async (t) => {
    const raw = await openRawWebSocket(t, port, '/plain');
    await raw.send({ opcode: opcodes.text, payload: 'last words' });
    raw.client.halfClose();
    assert.equal((await raw.readFrame()).payload.toString(), 'last words');
    assert.equal(await raw.ended(), 'end');
  });

  it('that one side cuts is cut on the other', async (t) => {
    const client = await openWebSocket(t, at('/plain'));
    await client.send('destroy');
    assert.equal((await client.closed()).code, 1006);
    const ending = await openWebSocket(t, at('/plain'));
    await ending.send('end');
    assert.equal((await ending.closed()).code, 1006);
    const raw = await openRawWebSocket(t, port, '/deflating/reset');
    await raw.send({ opcode: opcodes.text, payload: 'x' });
    await raw.readFrame();
    const cuts = (): number => deflating.closes.filter(({ code }) => code === 1006).length;
    const cutsBefore = cuts();
    raw.client.reset();
    await eventually(() => cuts() > cutsBefore, {
      what: 'the upstream sees that the client is gone',
    });
  });

  it('is judged by the upstream where the Route has no rules: what breaks the protocol comes back as its close', async (t) => {
    const unmasked = await openRawWebSocket(t, port, '/plain');
    await unmasked.send({ opcode: opcodes.text, payload: 'bare', masked: false });
    assert.equal((await unmasked.readClose()).code, 1002);
    const unknown = await openRawWebSocket(t, port, '/plain');
    await unknown.send({ opcode: 11, payload: '' });
    assert.equal((await unknown.readClose()).code, 1002);
    const noText = await openRawWebSocket(t, port, '/plain');
    await noText.send({ opcode: opcodes.text, payload: Buffer.of(0xff, 0xfe) });
    assert.equal((await noText.readClose()).code, 1007);
  });

  it('holds the upstream back while the client does not read, and the client while the upstream does not', async (t) => {
    const deaf = await openWebSocket(t, at('/plain'));
    deaf.socket.pause();
    await deaf.send('flood 64');
    const taken = await standstill('the flood', () => plain.bytesTaken);
    assert.ok(taken < 32 * mebibyte, `${taken} bytes are on their way to a client that does not read`);
    deaf.socket.terminate();

    const pausing = await openWebSocket(t, at('/secure'));
    assert.equal(await pausing.ask('pause'), 'paused');
    for (let sent = 0; sent < 64; sent += 1) pausing.socket.send(Buffer.alloc(mebibyte));
    const left = await standstill('the client', () => pausing.socket.bufferedAmount);
    assert.ok(left > 32 * mebibyte, `${left} of 64 MiB are left to the client`);
    secure.resumeAll();
    await eventually(() => secure.bytesRead >= 64 * mebibyte, {
      what: 'everything arrives',
      timeoutMs: 20_000,
    });
  });

  it('is one line in the access log when it is over, with its bytes and its close code, and counted in the metrics', async (t) => {
    const client = await openWebSocket(t, at('/logged?x=1'));
    await client.ask('12345');
    const metrics = await scrape(system.nodes[0]!);
    assert.ok(metrics.sum('causeway_streams') >= 1);
    assert.ok(metrics.sum('causeway_streams_by_revision') >= 1);
    const labels = { route: 'default/logged', service: 'default/plain', code: '101', reason: '' };
    assert.equal(metrics.value('causeway_requests_total', labels), 1);
    await client.close(4002, 'done');
    const line = await eventually(
      async () => (await readFile(accessLog, 'utf8')).split('\n').find((each) => each.includes('"/logged"')),
      { what: 'the line is there' },
    );
    const logged = JSON.parse(line!) as Record<string, unknown>;
    assert.deepEqual(
      [logged['status'], logged['route'], logged['query'], logged['reason']],
      [101, 'default/logged', 'x=1', null],
    );
    assert.deepEqual([logged['closeCode'], logged['ended']], [4002, 'closed']);
    const over = await scrape(system.nodes[0]!);
    assert.ok(over.sum('causeway_streams_ended_total', { why: 'closed' }) >= 1);
    assert.ok(Number(logged['bytesIn']) >= 11 && Number(logged['bytesOut']) >= 7);
  });

  it('leaves the connection in order when the handshake is refused', async (t) => {
    const client = await rawConnect(t, port);
    await client.send(handshakeHead('/off'));
    assert.equal((await client.readResponse()).status, 426);
    await client.send('GET /plain HTTP/1.1\r\nhost: a.test\r\n\r\n');
    assert.equal((await client.readResponse()).status, 200);
  });

  it('is asked for in the right way, or is refused', async (t) => {
    const answer = async (head: string) => {
      const client = await rawConnect(t, port);
      await client.send(head);
      return client.readResponse();
    };
    const version = await answer(handshakeHead('/plain').replace('version: 13', 'version: 12'));
    assert.deepEqual([version.status, headerValues(version, 'sec-websocket-version')], [426, ['13']]);
    const key = await answer(handshakeHead('/plain').replace(/key: .*\r/, 'key: short\r'));
    assert.equal(key.status, 400);
    const post = await answer(handshakeHead('/plain').replace('GET', 'POST'));
    assert.equal(post.status, 400);
    const other = await answer(handshakeHead('/plain').replace('upgrade: websocket', 'upgrade: foo'));
    assert.equal(other.status, 200);
  });

  it('closes in order also by raw frames, the server first', async (t) => {
    const raw = await openRawWebSocket(t, port, '/plain');
    await raw.client.send(encodeClose(4003, 'x'));
    const frame = await raw.readFrame();
    assert.deepEqual([frame.opcode, closeOf(frame).code], [opcodes.close, 4003]);
    assert.equal(await raw.ended(), 'end');
  });
});
