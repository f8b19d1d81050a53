import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  type Asked,
  Client,
  type ClientFixture,
  get,
  startClients,
  startSecureHttp2,
  stuff,
} from '../../testing/client-fixture.ts';
import { until } from '../../testing/http-client.ts';
import { ask, asked, openSession } from '../../testing/http2-client.ts';
import {
  ErrorCode,
  type Frame,
  frame,
  FrameClient,
  FrameFlag,
  FrameType,
  headers,
  initialWindowSize,
  ping,
  preface,
  pseudo,
  settings as setting,
  windowUpdate,
} from '../../testing/http2-frames.ts';

const later = (): void => {};
const settings = frame(FrameType.settings, 0, 0);
const lastStreamId = 0x7fff_ffff;

describe('the start of a connection', () => {
  it('is known as HTTP/2 however it is cut, and is nothing else before that', async (context) => {
    const bytes = Buffer.concat([preface, settings, headers(1, pseudo('GET', '/x'))]);
    for (let cut = 1; cut <= preface.length + 1; cut += 1) {
      const fixture = await startClients(context);
      const client = new FrameClient(context, fixture.port, bytes.subarray(0, cut));
      await until('the connection', () => fixture.connections.length === 1);
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await client.send(bytes.subarray(cut));
      await until('the answer', () => client.body(1) === 'GET /x');
      assert.deepEqual(fixture.refused, []);
    }
  });

  it('is known byte by byte', async (context) => {
    const fixture = await startClients(context);
    const client = new FrameClient(context, fixture.port, Buffer.alloc(0));
    for (const byte of Buffer.concat([preface, settings, headers(1, pseudo())])) {
      await client.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the answer', () => client.body(1) === 'GET /');
  });

  it('is no HTTP/2 behind a request, nor when it differs', async (context) => {
    const fixture = await startClients(context);
    for (const bytes of [
      get('/a') + preface.toString('latin1'),
      'PRI * HTTP/2.0\r\nHost: a\r\n\r\n',
      'PRI /x HTTP/2.0\r\n\r\n',
    ]) {
      const client = new Client(context, fixture.port);
      await client.send(bytes);
      await until('the end', () => client.isEnded);
      assert.equal(client.statuses.at(-1), '400', bytes);
    }
    assert.equal(fixture.refused.length, 3);
  });

  it('ends it when the rest of the preface is wrong', async (context) => {
    const fixture = await startClients(context);
    const client = new FrameClient(context, fixture.port, Buffer.from('PRI * HTTP/2.0\r\n\r\n'));
    await client.send(Buffer.from('XX\r\n\r\nGET / HTTP/1.1\r\n\r\n'));
    await until('the end', () => client.isClosed);
    await until('no connection', () => fixture.closed.length === 1);
    assert.deepEqual(fixture.asked, []);
  });
});

const isAck = ({ flags }: Frame): boolean => (flags & FrameFlag.ack) !== 0;
const pingsTo = (client: FrameClient): Frame[] => client.of(FrameType.ping).filter((each) => !isAck(each));
const endsTo = (client: FrameClient): Frame[] =>
  [...client.of(FrameType.headers), ...client.of(FrameType.data)].filter(
    ({ flags }) => (flags & FrameFlag.endStream) !== 0,
  );

/** Answers these PINGs, counted from 1, as they come. */
async function acknowledge(client: FrameClient, from: number, to: number): Promise<void> {
  for (let count = from; count <= to; count += 1) {
    await until(`PING ${count}`, () => pingsTo(client).length === count);
    const { payload } = pingsTo(client)[count - 1]!;
    await client.send(frame(FrameType.ping, FrameFlag.ack, 0, payload));
  }
}

describe('the end of a connection', () => {
  it('comes when it has been idle for too long, not while a request is under way', async (context) => {
    const fixture = await startClients(context, later, { keepAliveMs: 5000 });
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo()));
    await asked(fixture);
    fixture.clock.advance(60_000);
    fixture.asked[0]!.answer();
    await until('the answer', () => fixture.asked[0]!.end === 'sent');
    assert.deepEqual([client.goaways, fixture.counters.keepAlive], [[], 0]);
    await until('idle', () => {
      fixture.clock.advance(1000);
      return fixture.counters.keepAlive === 1;
    });
    await acknowledge(client, 1, 2);
    await until('the notice', () => client.goaways.length > 0);
    assert.deepEqual(client.goaways[0], [lastStreamId, ErrorCode.none]);
    // A client that answers no PING is not waited for.
    await until('the end', () => {
      fixture.clock.advance(1000);
      return client.isClosed;
    });
    assert.deepEqual(client.goaways.at(-1), [1, ErrorCode.none]);
  });

  it('is told in two steps, between which nothing is lost', async (context) => {
    const fixture = await startClients(context, later);
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo()));
    await asked(fixture);
    fixture.http2[0]!.leave();
    fixture.http2[0]!.leave();
    await acknowledge(client, 1, 2);
    await until('the notice and its PING', () => pingsTo(client).length === 3);
    assert.deepEqual(client.goaways, [[lastStreamId, ErrorCode.none]]);
    await client.send(headers(3, pseudo('GET', '/late')));
    await asked(fixture, 2);
    await acknowledge(client, 3, 4);
    await until('the last stream', () => client.goaways.length === 2);
    assert.deepEqual(client.goaways[1], [3, ErrorCode.none]);
    for (const one of fixture.asked) one.answer();
    await until('the end', () => client.isClosed);
    assert.deepEqual([client.body(1), client.body(3)], ['GET /', 'GET /late']);
    await until('no connection is left', () => fixture.closed.length === 1);
  });

  it('holds the ends of answers back until the client is told, so that none makes it send another request', async (context) => {
    const fixture = await startClients(context, later);
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo()), headers(3, pseudo('HEAD')), headers(5, pseudo('GET', '/slow')));
    await asked(fixture, 3);
    fixture.http2[0]!.leave();
    fixture.asked[0]!.answer();
    fixture.asked[1]!.answer();
    await acknowledge(client, 1, 1);
    await until('the next PING', () => pingsTo(client).length === 2);
    assert.deepEqual([client.body(1), endsTo(client), client.goaways], ['GET /', [], []]);
    await acknowledge(client, 2, 2);
    await until('the ends', () => endsTo(client).length === 2);
    const toldAt = client.frames.findIndex(({ type }) => type === FrameType.goaway);
    assert.ok(endsTo(client).every((end) => client.frames.indexOf(end) > toldAt));
    await acknowledge(client, 3, 4);
    fixture.asked[2]!.answer();
    await until('the end', () => client.isClosed);
    assert.deepEqual(
      fixture.asked.map(({ end }) => end),
      ['sent', 'sent', 'sent'],
    );
  });

  it('waits with its PING for an end that the client makes wait', async (context) => {
    const fixture = await startClients(context, (one) => one.answer('x'.repeat(100_000)));
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo()));
    await until('a window full', () => client.body(1).length === 65_535);
    fixture.http2[0]!.leave();
    await client.send(ping());
    await until('what came before is read', () => client.of(FrameType.ping).some(isAck));
    assert.deepEqual(pingsTo(client), []);
    await client.send(windowUpdate(0, 100_000), windowUpdate(1, 100_000));
    await acknowledge(client, 1, 4);
    await until('the end', () => client.isClosed);
    assert.deepEqual([client.body(1).length, fixture.asked[0]!.end], [100_000, 'sent']);
  });

  it('is told with the last request that a connection may bring, and with an answer that closes', async (context) => {
    for (const [requestsMax, close] of [
      [2, false],
      [0, true],
    ] as const) {
      const fixture = await startClients(context, (one) => one.answer(undefined, { close }), { requestsMax });
      const session = openSession(context, fixture);
      let isTold = false;
      session.on('goaway', () => {
        isTold = true;
      });
      const first = ask(session, {});
      await until('the answer', () => first.isEnded);
      if (!close) ask(session, {});
      await until('the notice', () => isTold);
      await until('the end', () => fixture.closed.length === 1);
      assert.deepEqual(
        fixture.asked.map(({ end }) => end),
        close ? ['sent'] : ['sent', 'sent'],
      );
    }
  });

  it('cuts what is under way when it is forced', async (context) => {
    const fixture = await startClients(context, later);
    const heard = ask(openSession(context, fixture), {});
    const [one] = (await asked(fixture)) as [Asked];
    fixture.http2[0]!.destroy();
    await until('the end', () => one.end === 'closed' && heard.isClosed);
    assert.equal(heard.status, 0);
  });

  it('is told in one step while the client does not read, for two would end the process', async (context) => {
    const fixture = await startClients(context, later);
    const client = new FrameClient(context, fixture.port);
    await client.send(windowUpdate(0, 0x7000_0000), setting(initialWindowSize, 0x7fff_ffff));
    await client.send(headers(1, pseudo()));
    const [one] = await asked(fixture);
    client.socket.pause();
    await stuff(one!);
    fixture.http2[0]!.leave();
    for (let step = 0; step < 3; step += 1) fixture.clock.advance(1000);
    client.socket.resume();
    one!.downstream.endResponse();
    await until('the end', () => client.isClosed);
    assert.equal(one!.end, 'sent');
    assert.ok(client.goaways.length > 0 && client.goaways.every(([last]) => last === 1));
  });

  for (const start of [startClients, startSecureHttp2])
    for (const [what, end] of [
      ['its requests are over', ([one]) => one!.downstream.reset()],
      [
        'it is told to leave',
        ([one], _, fixture) => {
          fixture.http2[0]!.leave();
          one!.downstream.reset();
        },
      ],
      ['it floods', (_, client) => client.send(...Array.from({ length: 1100 }, ping))],
    ] as const satisfies [string, (asked: Asked[], client: FrameClient, fixture: ClientFixture) => unknown][])
      it(`comes (${start.name}) when ${what}, though the client reads nothing`, async (context) => {
        const fixture = await start(context, later);
        const client = new FrameClient(context, fixture.port, undefined, start === startSecureHttp2);
        await client.send(windowUpdate(0, 0x7000_0000), setting(initialWindowSize, 0x7fff_ffff));
        await client.send(headers(1, pseudo()));
        const all = await asked(fixture);
        client.socket.pause();
        await stuff(all[0]!);
        await end(all, client, fixture);
        await until('the end', () => {
          fixture.clock.advance(1000);
          return fixture.closed.length === 1;
        });
        assert.equal(fixture.context.http2Counters.connections, 0);
      });

  it('moves with its port', async (context) => {
    const fixture = await startClients(context);
    const session = openSession(context, fixture);
    ask(session, {});
    await asked(fixture);
    fixture.http2[0]!.moveTo('b:2');
    ask(session, {});
    await asked(fixture, 2);
    assert.deepEqual(
      fixture.asked.map(({ downstream }) => downstream.connection.socketKey),
      ['a:1', 'b:2'],
    );
    assert.equal(fixture.http2[0]!.localAddress, '127.0.0.1');
  });
});
