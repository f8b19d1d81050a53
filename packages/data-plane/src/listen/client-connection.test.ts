import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type Asked, Client, get, post, settled, startClients } from '../testing/client-fixture.ts';
import { until } from '../testing/http-client.ts';
import { patternOf } from '../testing/pattern.ts';

/** Answers nothing by itself. */
const later = (): void => {};

/** Answers when it has the whole request. */
function whole(asked: Asked): void {
  if (asked.isReceived) return asked.answer();
  asked.whenReceived = () => asked.answer(`${asked.line} ${asked.body}`);
  asked.downstream.startBody();
}

describe('requests of a connection', () => {
  it('come one at a time and in order, however they are cut', async (context) => {
    const bytes = `${get('/1')}${post(3)}abc${post('chunked')}2\r\nhi\r\n0\r\n\r\n${get('/4')}`;
    for (const size of [1, 7, 50, bytes.length]) {
      const fixture = await startClients(context, whole);
      const client = new Client(context, fixture.port);
      for (let at = 0; at < bytes.length; at += size) await client.send(bytes.slice(at, at + size));
      await until('the answers', () => client.received.endsWith('GET /4'));
      assert.match(client.received, /GET \/1HTTP[^]*POST \/p abcHTTP[^]*POST \/p hiHTTP[^]*GET \/4$/);
      assert.doesNotMatch(client.received, /connection: close/);
    }
  });

  it('wait for the answer of the one before', async (context) => {
    const fixture = await startClients(context, later);
    const client = new Client(context, fixture.port);
    await client.send(get('/1') + get('/2'));
    await until('a request', () => fixture.asked.length === 1);
    await settled(context, fixture);
    assert.equal(fixture.asked.length, 1);
    fixture.asked[0]!.answer();
    await until('the next', () => fixture.asked.length === 2);
    fixture.asked[1]!.answer();
    await until('both answers', () => client.received.endsWith('GET /2'));
    assert.deepEqual(
      fixture.asked.map(({ end }) => end),
      ['sent', 'sent'],
    );
  });

  it('are as many as they may be, the last one told so, and no more', async (context) => {
    const fixture = await startClients(context, undefined, { requestsMax: 3 });
    const client = new Client(context, fixture.port);
    await client.send(get('/x').repeat(5));
    await until('the end', () => client.isEnded);
    assert.deepEqual(client.statuses, ['200', '200', '200']);
    assert.equal(fixture.asked.length, 3);
    assert.deepEqual(client.received.split('connection: close').length, 2);
    assert.match(client.received, /connection: close\r\n\r\nGET \/x$/);
  });

  it('of one client leave the others their turn', async (context) => {
    const order: string[] = [];
    const fixture = await startClients(
      context,
      (asked) => {
        order.push(asked.line);
        asked.answer();
      },
      { pipelinedMax: 4 },
    );
    const [greedy, modest] = [new Client(context, fixture.port), new Client(context, fixture.port)];
    await until('both are there', () => fixture.connections.length === 2);
    await Promise.all([greedy.send(get('/greedy').repeat(1000)), modest.send(get('/modest'))]);
    await until('all answers', () => order.length === 1001);
    const before = order.indexOf('GET /modest');
    assert.ok(before <= 100, `${before} requests came before the one of another client`);
    await until('the last answer', () => greedy.statuses.length === 1000);
  });

  for (const pipelinedMax of [1, 3])
    it(`are taken ${pipelinedMax} in a turn`, async (context) => {
      let turn = 0;
      const turns: number[] = [];
      const fixture = await startClients(
        context,
        (asked) => {
          turns.push(turn);
          asked.answer();
        },
        { pipelinedMax },
      );
      let isOver = false;
      const count = (): void => {
        turn += 1;
        if (!isOver) setImmediate(count);
      };
      count();
      const client = new Client(context, fixture.port);
      await client.send(get('/x').repeat(10));
      await until('the answers', () => client.statuses.length === 10);
      isOver = true;
      const counts = [...Map.groupBy(turns, (each) => each).values()].map(({ length }) => length);
      assert.equal(Math.max(...counts), pipelinedMax, counts.join());
    });

  it('that come before the port is live are kept, and answered when it is', async (context) => {
    const fixture = await startClients(context, undefined, { isLive: false });
    const clients = [new Client(context, fixture.port), new Client(context, fixture.port)];
    await clients[0]!.send(get('/1') + get('/2'));
    await clients[1]!.send(get('/3').slice(0, 10));
    await until('both are there', () => fixture.connections.length === 2);
    for (const { socket } of clients) assert.equal(socket.bytesRead, 0);
    fixture.context.isLive = true;
    for (const connection of fixture.connections) connection.advance();
    await clients[1]!.send(get('/3').slice(10));
    await until('the answers', () => clients[0]!.statuses.length === 2 && clients[1]!.statuses.length === 1);
  });

  it('may follow an empty line, which begins nothing', async (context) => {
    const fixture = await startClients(context);
    const client = new Client(context, fixture.port);
    await client.send(`\r\n${get('/1')}\r\n`);
    await until('the answer', () => client.statuses.length === 1);
    fixture.clock.advance(59_000);
    assert.equal(fixture.counters.keepAlive + fixture.counters.requestHead, 0);
    await client.send(get('/2'));
    await until('the answer', () => client.statuses.length === 2);
  });
});

describe('what is no request', () => {
  it('is refused behind the answers before it, and ends the connection', async (context) => {
    const fixture = await startClients(context, later);
    const client = new Client(context, fixture.port);
    await client.send(`${get('/1')}B@D\r\n\r\n${get('/2')}`);
    await until('the request', () => fixture.asked.length === 1);
    assert.deepEqual(fixture.refused, []);
    fixture.asked[0]!.answer();
    await until('the end', () => client.isEnded);
    assert.deepEqual([client.statuses, fixture.refused], [['200', '400'], ['malformed']]);
    assert.match(client.received, /connection: close\r\n\r\nmalformed$/);
    assert.equal(fixture.asked.length, 1);
  });

  it('but would have been one for HEAD, is refused without a body', async (context) => {
    for (const [bytes, body] of [
      ['HEAD / HTTP/1.1\r\n\r\n', ''],
      ['HEAD /\u0001 HTTP/1.1\r\n\r\n', ''],
      ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n', 'malformed'],
      ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n\r\r', 'malformed'],
      ['HEADS / HTTP/1.1\r\n\r\n', 'malformed'],
    ]) {
      const fixture = await startClients(context, (asked) => asked.answer(''));
      const client = new Client(context, fixture.port);
      await client.send(bytes!);
      await until('the end', () => client.isEnded);
      assert.deepEqual(client.received.split('content-length: 9\r\nconnection: close\r\n\r\n')[1], body);
    }
  });

  it('within a body is told once, whatever else comes', async (context) => {
    const fixture = await startClients(context, (asked) => setImmediate(() => asked.downstream.startBody()));
    const client = new Client(context, fixture.port);
    await client.send(`${post('chunked')}2\r\nhi\r\nXX\r\n`);
    await until('the fault', () => (fixture.asked[0]?.faults.length ?? 0) > 0);
    await client.send('more of the same\r\n');
    client.socket.end();
    await settled(context, fixture);
    assert.deepEqual([fixture.asked[0]!.body, fixture.asked[0]!.faults], ['hi', ['malformed']]);
    fixture.asked[0]!.answer('no', { status: 400 });
    await until('the end', () => client.isEnded);
    assert.match(client.received, /^HTTP\/1\.1 400 [^]*connection: close\r\n\r\nno$/);
  });
});

describe('a body', () => {
  it('is left with the client until it is wanted, and comes whole', async (context) => {
    const fixture = await startClients(context, later);
    const client = new Client(context, fixture.port);
    const bytes = patternOf(8_000_000);
    client.socket.write(post(bytes.length));
    const sent = client.send(bytes);
    await until('the request', () => fixture.asked.length === 1);
    await settled(context, fixture);
    const [asked] = fixture.asked;
    assert.deepEqual([asked!.bodyBytes, client.socket.writableLength > 0], [0, true]);
    const pieces: Buffer[] = [];
    asked!.takes = (chunk) => pieces.push(Buffer.from(chunk)) > 0;
    asked!.downstream.startBody();
    await sent;
    await until('the end of the body', () => asked!.isReceived);
    assert.ok(Buffer.concat(pieces).equals(bytes));
  });

  it('stops when it is paused, also at its very end, and goes on', async (context) => {
    const fixture = await startClients(context, later);
    for (const [length, rest] of [
      [10, ''],
      [10, get('/next')],
      ['chunked', '\r\n0\r\n\r\n'],
    ] as const) {
      fixture.asked.length = 0;
      const client = new Client(context, fixture.port);
      await client.send(`${post(length)}${length === 'chunked' ? 'a\r\n' : ''}0123456789${rest}`);
      await until('the request', () => fixture.asked.length === 1);
      const [asked] = fixture.asked;
      asked!.takes = () => {
        asked!.downstream.pauseBody();
        return false;
      };
      asked!.downstream.startBody();
      await until('the body', () => asked!.bodyBytes === 10);
      await settled(context, fixture);
      assert.deepEqual([asked!.isReceived, fixture.asked.length], [false, 1]);
      asked!.downstream.resumeBody();
      assert.equal(asked!.isReceived, true);
      asked!.answer();
      await until('the answer', () => client.statuses.length === 1);
      if (rest.startsWith('GET')) await until('the next request', () => fixture.asked.length === 2);
      client.socket.destroy();
    }
  });

  it('is not read into memory that is in use', async (context) => {
    const bytes = patternOf(2_000_000);
    const fixture = await startClients(context, later);
    const client = new Client(context, fixture.port);
    client.socket.write(post(bytes.length));
    client.socket.write(bytes);
    await until('the request', () => fixture.asked.length === 1);
    const [asked] = fixture.asked;
    let held: Buffer | undefined;
    const taken: Buffer[] = [];
    asked!.takes = (chunk) => {
      held = chunk;
      asked!.downstream.pauseBody();
      return false;
    };
    asked!.downstream.startBody();
    while (!asked!.isReceived) {
      await until('a piece', () => held !== undefined);
      // Others read and write meanwhile.
      const other = new Client(context, fixture.port);
      await other.send(get('/other') + 'x'.repeat(10_000));
      taken.push(Buffer.from(held!));
      held = undefined;
      other.socket.destroy();
      asked!.downstream.resumeBody();
    }
    assert.ok(Buffer.concat(taken).equals(bytes));
  });

  it('leaves no memory with its connection when it had to wait', async (context) => {
    const allocations = context.mock.method(Buffer, 'allocUnsafeSlow');
    const fixture = await startClients(context, (asked) => setImmediate(() => whole(asked)));
    const clients = Array.from({ length: 20 }, () => new Client(context, fixture.port));
    for (const client of clients) {
      await client.send(post(10_000) + 'x'.repeat(10_000));
      await until('the answer', () => client.statuses.length === 1);
    }
    assert.deepEqual(new Set(clients.map(({ isEnded }) => isEnded)), new Set([false]));
    const large = allocations.mock.calls.filter(({ arguments: [bytes] }) => bytes >= 65_536);
    assert.ok(large.length <= 1, `${large.length} pieces of memory for one upload at a time`);
  });

  it('is asked for where its client waits for that, once it is wanted', async (context) => {
    const fixture = await startClients(context, later);
    const client = new Client(context, fixture.port);
    await client.send(post(5, 'Expect: 100-continue\r\n'));
    await until('the request', () => fixture.asked.length === 1);
    await settled(context, fixture);
    assert.equal(client.received, '');
    const [asked] = fixture.asked;
    asked!.whenReceived = () => asked!.answer('ok');
    asked!.downstream.startBody();
    await until('100', () => client.received === 'HTTP/1.1 100 Continue\r\n\r\n');
    await client.send('hello');
    await until('the answer', () => client.received.endsWith('\r\n\r\nok'));
    assert.deepEqual([asked!.body, client.statuses], ['hello', ['100', '200']]);
  });

  it('is not asked for when some of it has come, of HTTP/1.0, and when nobody wants it', async (context) => {
    const expects = 'Expect: 100-continue\r\n';
    for (const [bytes, isWanted] of [
      [`${post(5, expects)}h`, true],
      [`POST /p HTTP/1.0\r\nContent-Length: 5\r\n${expects}\r\n`, true],
      [post(5, expects), false],
    ] as const) {
      const fixture = await startClients(context, later);
      const client = new Client(context, fixture.port);
      await client.send(bytes);
      await until('the request', () => fixture.asked.length === 1);
      if (isWanted) fixture.asked[0]!.downstream.startBody();
      await settled(context, fixture);
      fixture.asked[0]!.answer('no', { status: 413 });
      await until('the end', () => client.isEnded);
      assert.deepEqual(client.statuses, ['413'], bytes);
    }
  });
});
