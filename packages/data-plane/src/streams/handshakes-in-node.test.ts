import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  createServer as createHttp2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import type { Filter } from '@causeway/filters/filter';

import { Client } from '../testing/client-fixture.ts';
import { ask, until } from '../testing/http-client.ts';
import { listenRaw } from '../testing/raw-upstream.ts';
import { eagerRetry } from '../testing/retrying-node.ts';
import {
  acceptFor,
  agreementText,
  handshakeText,
  openTunnelEnd,
  sampleAccept,
  tunnelUpstream,
} from '../testing/tunnel-ends.ts';
import { filteredNode } from '../testing/filtered-node.ts';
import { assertNothingLeft, tunnelNode } from '../testing/tunnel-node.ts';
import { fromClient, fromUpstream } from '../testing/websocket-frames.ts';

for (const spoken of ['http', 'https', 'h2c'] as const)
  describe(`bytes that come with the handshake, to an upstream of ${spoken}`, () => {
    for (const isAsync of [false, true])
      it(`reach the other side, and so does what follows${isAsync ? ', when a filter waits on the answer' : ''}`, async (context) => {
        const { port, ends } = await tunnelUpstream(context, spoken);
        const wait = Promise.withResolvers<undefined>();
        const hooks: Partial<Filter> = isAsync ? { onResponseHead: () => wait.promise } : {};
        const fixture = await filteredNode(context, [port], hooks, { upstream: spoken });
        const opening = openTunnelEnd(context, fixture.port(), { early: fromClient(1, 'early') });
        await until('the handshake', () => ends.length === 1);
        ends[0]!.send(fromUpstream(1, 'prompt'));
        // It has arrived, and waits.
        await new Promise((resolve) => setTimeout(resolve, isAsync ? 50 : 0));
        wait.resolve(undefined);
        const { end } = await opening;
        await until('what came early', () => end.text.includes('prompt'));
        await until('what came early', () => ends[0]!.received.equals(fromClient(1, 'early')));
        ends[0]!.send(fromUpstream(1, 'later'));
        end.send(fromClient(1, 'later'));
        await end.hears('later');
        await until('what came later', () => ends[0]!.bytes === 22);
        end.cut();
        await assertNothingLeft(fixture);
      });

    it('reach the other side when they are more than is read ahead', async (context) => {
      const { port, ends } = await tunnelUpstream(context, spoken);
      const wait = Promise.withResolvers<undefined>();
      const fixture = await filteredNode(
        context,
        [port],
        { onResponseHead: () => wait.promise },
        { upstream: spoken },
      );
      const early = fromClient(2, Buffer.alloc(500_000, 'x'));
      const opening = openTunnelEnd(context, fixture.port(), { early });
      await until('the handshake', () => ends.length === 1);
      const prompt = fromUpstream(2, Buffer.alloc(500_000, 'y'));
      ends[0]!.send(prompt);
      await new Promise((resolve) => setTimeout(resolve, 50));
      wait.resolve(undefined);
      const { end } = await opening;
      await until('all of it', () => ends[0]!.bytes === early.length && end.bytes === prompt.length);
      assert.ok(ends[0]!.received.equals(early));
      assert.ok(end.received.equals(prompt));
      end.cut();
      await assertNothingLeft(fixture);
    });
  });

describe('a client that is gone before the answer to its handshake', () => {
  for (const spoken of ['http', 'h2c'] as const)
    it(`has the upstream of ${spoken} let go`, async (context) => {
      const { port, heads } = await tunnelUpstream(context, spoken, () => '');
      const fixture = await tunnelNode(context, [port], { upstream: spoken });
      const client = new Client(context, fixture.port());
      await client.send(handshakeText());
      await until('the handshake', () => heads.length === 1);
      client.socket.resetAndDestroy();
      await assertNothingLeft(fixture);
      await until('the record', () => fixture.records.length === 1);
      assert.deepEqual([fixture.records[0]!.status, fixture.upgraded], [499, 0]);
    });

  it('is gone as well when it has ended its side only: a WebSocket would be of no use', async (context) => {
    let asked = 0;
    const { port } = await tunnelUpstream(context, 'http', () => {
      asked += 1;
      return '';
    });
    const fixture = await tunnelNode(context, [port]);
    const client = new Client(context, fixture.port());
    await client.send(handshakeText());
    await until('the request', () => asked === 1);
    client.socket.end();
    await until('the end', () => client.isClosed);
    assert.equal(client.received, '');
    await assertNothingLeft(fixture);
  });

  for (const spoken of ['http', 'h2c'] as const)
    it(`is forgotten while a filter waits on the answer of an upstream of ${spoken}`, async (context) => {
      const { port, ends } = await tunnelUpstream(context, spoken);
      const hooks = { onResponseHead: () => new Promise<undefined>(() => {}) };
      const fixture = await filteredNode(context, [port], hooks, { upstream: spoken });
      const client = new Client(context, fixture.port());
      await client.send(handshakeText());
      await until('the handshake', () => ends.length === 1);
      client.socket.resetAndDestroy();
      await until('the end', () => ends[0]!.isEnded || ends[0]!.isClosed);
      await assertNothingLeft(fixture);
    });
});

describe('an upstream that does not agree', () => {
  for (const clients of ['http', 'h2c'] as const) {
    it(`gives its own answer to a client of ${clients}, and its connection is used again`, async (context) => {
      const text = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: no\r\n\r\nno';
      const { port, heads } = await tunnelUpstream(context, 'http', () => text);
      const fixture = await tunnelNode(context, [port], { clients });
      for (let count = 1; count <= 3; count += 1) {
        const { status, head, end } = await openTunnelEnd(context, fixture.port(), { spoken: clients });
        assert.equal(status, 403);
        assert.match(head, /x-why/i);
        await end.hears('no');
        end.cut();
      }
      assert.equal(heads.length, 3);
      assert.equal(fixture.node.upstreamConnections[0]!.open, 1);
      await assertNothingLeft(fixture);
    });

    it(`is told by the gateway to a client of ${clients} when it answers too late`, async (context) => {
      const { port, heads } = await tunnelUpstream(context, 'http', () => '');
      const fixture = await tunnelNode(context, [port], {
        clients,
        route: { timeouts: { responseHeadMs: 100 } },
      });
      const { status } = await openTunnelEnd(context, fixture.port(), { spoken: clients });
      assert.equal(status, 504);
      assert.equal(heads.length, 1);
      await until('the record', () => fixture.records.length === 1);
      assert.equal(fixture.records[0]!.reason, 'upstream_timeout');
    });
  }

  it('has the whole time of a request, which a WebSocket does not', async (context) => {
    const { port, ends } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port], {
      route: { timeouts: { requestMs: 100, backendRequestMs: 100 } },
    });
    const { end } = await openTunnelEnd(context, fixture.port());
    await new Promise((resolve) => setTimeout(resolve, 250));
    ends[0]!.send(fromUpstream(1, 'hi'));
    await end.hears('hi');
    end.cut();
    await assertNothingLeft(fixture);
  });

  it('may be HTTP/2 without RFC 8441, which is not held against it', async (context) => {
    const listen = async (): Promise<number> =>
      listenRaw(
        context,
        createHttp2Server(({ socket }, response) => response.end(String(socket.localPort))),
      );
    const ports = [await listen(), await listen()];
    const passiveCheck = {
      consecutive5xx: 1,
      ejectForMs: 60_000,
      maxEjectForMs: 60_000,
      maxEjectedPercent: 100,
    };
    const fixture = await tunnelNode(context, ports, { upstream: 'h2c', service: { passiveCheck } });
    for (let count = 0; count < 3; count += 1) {
      const { status } = await openTunnelEnd(context, fixture.port());
      assert.equal(status, 502);
    }
    const seen = new Set<string>();
    for (let count = 0; count < 4; count += 1) seen.add((await ask({ port: fixture.port() })).body);
    assert.deepEqual(seen, new Set(ports.map(String)));
    await assertNothingLeft(fixture);
  });

  it('may be HTTP/2, whose stream is over with its answer', async (context) => {
    const open = new Set<ServerHttp2Stream>();
    const { port } = await tunnelUpstream(context, 'h2c', (_, stream) => {
      open.add(stream as ServerHttp2Stream);
      stream.on('close', () => open.delete(stream as ServerHttp2Stream));
      return '403';
    });
    const fixture = await tunnelNode(context, [port], { upstream: 'h2c' });
    const { status } = await openTunnelEnd(context, fixture.port());
    assert.equal(status, 403);
    await until('the end of the stream', () => open.size === 0);
    await assertNothingLeft(fixture);
  });

  it('may end the stream with its agreement, which is none', async (context) => {
    const { port } = await tunnelUpstream(context, 'h2c', () => '200');
    const fixture = await tunnelNode(context, [port], { upstream: 'h2c' });
    for (const spoken of ['http', 'h2c'] as const)
      assert.equal((await openTunnelEnd(context, fixture.port(), { spoken })).status, 502);
    await assertNothingLeft(fixture);
  });

  it('is not believed when its agreement is to another key, or to another protocol', async (context) => {
    const answers = [
      agreementText('AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
      agreementText().replace(/Sec-WebSocket-Accept: .*\r\n/, ''),
      agreementText().replace('Upgrade: websocket', 'Upgrade: h2c'),
    ];
    for (const text of answers)
      for (const clients of ['http', 'h2c'] as const) {
        const { port } = await tunnelUpstream(context, 'http', () => text);
        const fixture = await tunnelNode(context, [port], { clients });
        const { status } = await openTunnelEnd(context, fixture.port(), { spoken: clients });
        assert.equal(status, 502, `${clients}: ${text}`);
        assert.equal(fixture.records[0]!.reason, 'upstream_protocol_error');
        await assertNothingLeft(fixture);
      }
  });

  it('cannot agree with 200 to a client of HTTP/2', async (context) => {
    const { port } = await tunnelUpstream(
      context,
      'http',
      () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    );
    const fixture = await tunnelNode(context, [port]);
    assert.equal((await openTunnelEnd(context, fixture.port(), { spoken: 'h2c' })).status, 502);
    const { status, end } = await openTunnelEnd(context, fixture.port());
    assert.equal(status, 200);
    await end.hears('hi');
  });
});

describe('what follows a handshake on its connection', () => {
  it('is the next request when it is refused', async (context) => {
    const { port } = await tunnelUpstream(context, 'http', (head) =>
      head.startsWith('GET /ok')
        ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
        : 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
    );
    const fixture = await tunnelNode(context, [port]);
    const client = new Client(context, fixture.port());
    const broken = handshakeText().replace('Version: 13', 'Version: 8');
    const next = 'GET /ok HTTP/1.1\r\nHost: a\r\n\r\n';
    await client.send(handshakeText() + next + broken + next);
    await until('all answers', () => client.statuses.length === 4);
    assert.deepEqual(client.statuses, ['404', '200', '426', '200']);
    assert.match(client.received, /\r\nsec-websocket-version: 13\r\n[^]*connection: Upgrade\r\n/i);
    assert.equal(client.isEnded, false);
  });

  it('may be one after ordinary requests, chunked answers among them', async (context) => {
    const { port, ends } = await tunnelUpstream(context, 'http', (head) =>
      head.includes('Upgrade')
        ? undefined
        : 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    const fixture = await tunnelNode(context, [port]);
    const client = new Client(context, fixture.port());
    for (let count = 1; count <= 2; count += 1) {
      await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await until(
        'the answer',
        () => client.statuses.length === count && client.received.endsWith('0\r\n\r\n'),
      );
    }
    client.received = '';
    await client.send(handshakeText());
    await until('the agreement', () => client.received.endsWith('\r\n\r\n'));
    assert.match(client.received, /^HTTP\/1\.1 101 /);
    client.received = '';
    ends[0]!.send(fromUpstream(1, 'hi'));
    await until('the message', () => client.received === fromUpstream(1, 'hi').toString('latin1'));
    await client.send(fromClient(1, 'ho'));
    await until('the other', () => ends[0]!.received.equals(fromClient(1, 'ho')));
    client.socket.resetAndDestroy();
    await assertNothingLeft(fixture);
  });

  it('is not read any more when the handshake has a body or is no GET', async (context) => {
    const { port, heads } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port]);
    for (const text of [
      handshakeText().replace('GET', 'POST'),
      `${handshakeText('/', 'Content-Length: 4\r\n')}abcd`,
      `${handshakeText('/', 'Transfer-Encoding: chunked\r\n')}0\r\n\r\n`,
    ]) {
      const client = new Client(context, fixture.port());
      await client.send(`${text}GET / HTTP/1.1\r\nHost: a\r\n\r\n`);
      await until('the end', () => client.isEnded);
      assert.deepEqual(client.statuses, ['400'], text);
    }
    assert.deepEqual(heads, []);
  });
});

describe('a handshake that is tried again', () => {
  it('reaches an endpoint that is there', async (context) => {
    const { port, ends } = await tunnelUpstream(context);
    const gone = await listenRaw(
      context,
      createServer((_, response) => response.destroy()),
    );
    for (const dead of [1, gone]) {
      const fixture = await tunnelNode(context, [dead, port], { route: { retry: eagerRetry } as object });
      const { status, end } = await openTunnelEnd(context, fixture.port());
      assert.equal(status, 101);
      end.send(fromClient(1, 'hi'));
      await until('the message', () => ends.at(-1)!.bytes === 8);
      const { endpoint } = fixture.node.streams.list({ limit: 1 }, 0).connections[0]!;
      assert.equal(endpoint, `e-${port}`);
      end.cut();
      await assertNothingLeft(fixture);
      assert.equal(fixture.records[0]!.tries, 2);
      assert.deepEqual(fixture.retries, ['success']);
    }
  });

  it('passes on the last refusal', async (context) => {
    const { port } = await tunnelUpstream(
      context,
      'http',
      () => 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n',
    );
    const other = await tunnelUpstream(context, 'http', () => 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n');
    const fixture = await tunnelNode(context, [port, other.port], { route: { retry: eagerRetry } as object });
    assert.equal((await openTunnelEnd(context, fixture.port())).status, 503);
    await assertNothingLeft(fixture);
  });
});

describe('limits', () => {
  it('of a Route count WebSockets that live, and give the place back', async (context) => {
    const { port } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port], { route: { webSocket: { connectionsMax: 2 } } });
    const first = await openTunnelEnd(context, fixture.port());
    const second = await openTunnelEnd(context, fixture.port(), { spoken: 'h2c' });
    const third = await openTunnelEnd(context, fixture.port());
    assert.deepEqual([first.status, second.status, third.status], [101, 200, 503]);
    assert.match(third.head, /retry-after/i);
    assert.equal((await openTunnelEnd(context, fixture.port(), { spoken: 'h2c' })).status, 503);
    first.end.cut();
    await until('the place', () => fixture.node.streams.counts.webSockets === 1);
    assert.equal((await openTunnelEnd(context, fixture.port())).status, 101);
  });

  it('of a Route give the place back of one that came to nothing', async (context) => {
    const { port } = await tunnelUpstream(
      context,
      'http',
      () => 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n',
    );
    const fixture = await tunnelNode(context, [port], { route: { webSocket: { connectionsMax: 1 } } });
    for (let count = 0; count < 3; count += 1)
      assert.equal((await openTunnelEnd(context, fixture.port())).status, 403);
  });

  it('of active requests do not count WebSockets once they live', async (context) => {
    const { port } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port], { route: { activeRequestsMax: 1 } });
    assert.equal((await openTunnelEnd(context, fixture.port())).status, 101);
    assert.equal((await openTunnelEnd(context, fixture.port())).status, 101);
  });

  it('of a Service count them among its requests for as long as they live', async (context) => {
    const { port } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port], {
      service: { circuitBreaker: { requestsMax: 2 } } as object,
    });
    const opened = [];
    for (let count = 0; count < 3; count += 1) opened.push(await openTunnelEnd(context, fixture.port()));
    assert.deepEqual(
      opened.map(({ status }) => status),
      [101, 101, 503],
    );
    for (const { end } of opened) end.cut();
    await assertNothingLeft(fixture);
    assert.equal((await openTunnelEnd(context, fixture.port())).status, 101);
  });

  it('of connections to an endpoint do not count them', async (context) => {
    const { port } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port], { service: { pool: { connectionsMax: 1 } } });
    const opened = [];
    for (let count = 0; count < 3; count += 1) opened.push(await openTunnelEnd(context, fixture.port()));
    assert.deepEqual(
      opened.map(({ status }) => status),
      [101, 101, 101],
    );
    assert.equal(fixture.node.upstreamConnections[0]!.open, 3);
    for (const { end } of opened) end.cut();
    await assertNothingLeft(fixture);
    await until('all are closed', () => fixture.node.upstreamConnections[0]!.open === 0);
  });
});

describe('an HTTP/2 connection with WebSockets', () => {
  it('of a client may end with all of them', async (context) => {
    const { port, ends } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port]);
    const { end } = await openTunnelEnd(context, fixture.port(), { spoken: 'h2c' });
    end.session.destroy();
    await until('the end', () => ends[0]!.isEnded || ends[0]!.isClosed);
    await assertNothingLeft(fixture);
    assert.equal(fixture.records[0]!.ended, 'cut');
  });

  it('of an upstream may end with all of them', async (context) => {
    const { port, ends } = await tunnelUpstream(context, 'h2c');
    const fixture = await tunnelNode(context, [port], { upstream: 'h2c' });
    const [first, second] = [
      await openTunnelEnd(context, fixture.port()),
      await openTunnelEnd(context, fixture.port()),
    ];
    assert.equal(fixture.node.upstreamConnections[0]!.open, 1);
    ends[0]!.session.destroy();
    await until('the ends', () => [first, second].every(({ end }) => end.isEnded || end.isClosed));
    first.end.cut();
    second.end.cut();
    await assertNothingLeft(fixture);
    assert.deepEqual(
      fixture.records.map(({ ended }) => ended),
      ['cut', 'cut'],
    );
    await until('it is gone', () => fixture.node.upstreamConnections[0]!.open === 0);
  });

  it('keeps them when either side says GOAWAY', async (context) => {
    const { port, ends } = await tunnelUpstream(context, 'h2c');
    const fixture = await tunnelNode(context, [port], { upstream: 'h2c' });
    const { end } = await openTunnelEnd(context, fixture.port(), { spoken: 'h2c' });
    ends[0]!.session.close();
    end.session.close();
    end.send(fromClient(1, 'hi'));
    await until('the message', () => ends[0]!.bytes === 8);
    ends[0]!.send(fromUpstream(1, 'ho'));
    await end.hears('ho');
    const other = await openTunnelEnd(context, fixture.port());
    assert.equal(other.status, 101);
    assert.equal(ends.length, 2);
    assert.notEqual(ends[1]!.session, ends[0]!.session, 'a new one goes over another connection');
    other.end.cut();
    end.cut();
    await assertNothingLeft(fixture);
  });
});

describe('a client of HTTP/2', () => {
  it('may send a key, which is not taken for one', async (context) => {
    const { port, heads } = await tunnelUpstream(context);
    const fixture = await tunnelNode(context, [port]);
    const { end } = await openTunnelEnd(context, fixture.port(), { spoken: 'h2c' });
    const stream = (end.session as ClientHttp2Session).request(
      {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':scheme': 'http',
        ':authority': 'a',
        ':path': '/',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
      { endStream: false },
    );
    const [fields] = (await once(stream, 'response')) as [Record<string, unknown>];
    assert.equal(fields[':status'], 200);
    assert.equal(heads[1]!.match(/sec-websocket-key/gi)?.length, 1);
    assert.notEqual(acceptFor(heads[1]!), sampleAccept);
    stream.destroy();
    end.cut();
    await assertNothingLeft(fixture);
  });
});
