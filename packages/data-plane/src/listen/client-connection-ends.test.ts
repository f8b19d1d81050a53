import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { Client, type ClientFixture, get, post, settled, startClients } from '../testing/client-fixture.ts';
import { until } from '../testing/http-client.ts';

/** More than sockets and kernel take while nobody reads. */
const tooMuch = 'x'.repeat(16 << 20);
/** Answers nothing by itself. */
const later = (): void => {};
const lingerMs = 2000;

/** A client that has sent `bytes`, and the connection at the other end, which has read them. */
async function afterSending(context: TestContext, fixture: ClientFixture, bytes: string): Promise<Client> {
  const client = new Client(context, fixture.port);
  await until('the connection', () => fixture.connections.length === 1);
  if (bytes !== '') await client.send(bytes);
  await settled(context, fixture);
  return client;
}

/** Whether the first connection is gone. */
const isGone = ({ connections, closed }: ClientFixture): boolean => closed.includes(connections[0]!);

const timeouts = ({ counters: { keepAlive, requestHead } }: ClientFixture) => ({ keepAlive, requestHead });

describe('a client that ends its side', () => {
  it('behind a body that waits for its taker has sent all of it', async (context) => {
    const fixture = await startClients(context, (asked) => {
      asked.takes = () => {
        asked.downstream.pauseBody();
        return false;
      };
      asked.downstream.startBody();
    });
    const client = await afterSending(context, fixture, post(9) + '123456789');
    client.socket.end();
    await settled(context, fixture);
    const [asked] = fixture.asked;
    assert.deepEqual([asked!.faults, asked!.isReceived], [[], false]);
    asked!.downstream.resumeBody();
    await until('the end of the request', () => asked!.isReceived && asked!.isHalfClosed);
    asked!.answer();
    await until('the end', () => client.isClosed);
    assert.deepEqual([client.statuses, asked!.end], [['200'], 'sent']);
  });

  it('between requests is left in order', async (context) => {
    for (const before of ['', get('/1')]) {
      const fixture = await startClients(context);
      const client = await afterSending(context, fixture, before);
      client.socket.end();
      await until('the end', () => client.isClosed && isGone(fixture));
      assert.deepEqual([client.isEnded, fixture.refused], [true, []]);
    }
  });

  it('within a head has asked for nothing', async (context) => {
    const fixture = await startClients(context);
    const client = await afterSending(context, fixture, 'GET / HTTP/1.1\r\nHos');
    client.socket.end();
    await until('the end', () => client.isClosed);
    assert.deepEqual([client.received, fixture.asked, fixture.refused], ['', [], []]);
  });

  it('behind a request gets its answer, and then the end', async (context) => {
    const fixture = await startClients(context, later);
    const client = await afterSending(context, fixture, get('/1'));
    client.socket.end();
    const [asked] = fixture.asked;
    await until('the event', () => asked!.isHalfClosed);
    asked!.answer();
    await until('the end', () => client.isClosed);
    assert.deepEqual([client.statuses, asked!.end], [['200'], 'sent']);
  });

  it('behind several requests gets all answers', async (context) => {
    const fixture = await startClients(context, later, { pipelinedMax: 1 });
    const client = await afterSending(context, fixture, get('/1') + get('/2') + get('/3'));
    client.socket.end();
    for (let answered = 0; answered < 3; answered += 1) {
      await until('a request', () => fixture.asked.length === answered + 1);
      fixture.asked[answered]!.answer();
    }
    await until('the end', () => client.isClosed);
    assert.equal(client.statuses.length, 3);
  });

  it('within a body is told, whether or not the body was wanted', async (context) => {
    for (const isWanted of [true, false]) {
      const fixture = await startClients(context, (asked) => isWanted && asked.downstream.startBody());
      const client = await afterSending(context, fixture, post(10));
      client.socket.end();
      const [asked] = fixture.asked;
      await until('the fault', () => asked!.faults.length > 0);
      assert.deepEqual([asked!.faults, asked!.isReceived], [['incomplete'], false]);
      asked!.answer('no', { status: 400 });
      await until('the end', () => client.isClosed);
      assert.deepEqual([client.statuses, asked!.end], [['400'], 'sent']);
    }
  });

  it('behind what it was told is the last answer gets that answer', async (context) => {
    const fixture = await startClients(context, (asked) => asked.answer('bye', { close: true }));
    const client = await afterSending(context, fixture, get('/1'));
    assert.equal(client.isEnded, true);
    client.socket.end();
    await until('the end', () => client.isClosed);
    assert.match(client.received, /bye$/);
  });
});

describe('a client that is gone', () => {
  it('is noticed though a part of its next request waits', async (context) => {
    for (const ahead of ['G', get('/2') + get('/3')]) {
      const fixture = await startClients(context, later);
      const client = await afterSending(context, fixture, get('/1') + ahead);
      client.socket.resetAndDestroy();
      await until('the end', () => fixture.asked[0]!.end === 'closed');
    }
  });

  it('could not be noticed when it sends far ahead, which is told; all of it is served', async (context) => {
    const fixture = await startClients(context, later);
    const requests = 1000;
    const client = await afterSending(context, fixture, get('/').repeat(requests));
    await until('the event', () => fixture.asked[0]!.isUnseen);
    for (let answered = 0; answered < requests; answered += 1) {
      await until('a request', () => fixture.asked.length === answered + 1);
      fixture.asked[answered]!.answer();
    }
    await until('all answers', () => client.statuses.length === requests);
    assert.equal(fixture.asked[requests - 1]!.isUnseen, false);
  });

  it('may be, when it ends its side behind pipelined requests: each of them is told', async (context) => {
    const fixture = await startClients(context, later);
    const client = await afterSending(context, fixture, get('/1') + get('/2'));
    client.socket.end();
    await until('the first', () => fixture.asked[0]!.isHalfClosed);
    fixture.asked[0]!.answer();
    await until('the second', () => fixture.asked[1]?.isHalfClosed === true);
  });
});

describe('what comes behind the last request', () => {
  it('is thrown away, however much it is', async (context) => {
    const fixture = await startClients(context, (asked) => asked.answer('bye', { close: true }));
    const client = await afterSending(context, fixture, get('/1') + get('/2'));
    await client.send('x'.repeat(5_000_000));
    await settled(context, fixture);
    assert.deepEqual(
      [fixture.asked.length, client.received.endsWith('bye'), isGone(fixture)],
      [1, true, false],
    );
  });

  it('is listened to for 2 s from its last byte, and for 30 s in all', async (context) => {
    const fixture = await startClients(context, (asked) => asked.answer('bye', { close: true }));
    const client = await afterSending(context, fixture, get('/1'));
    for (let second = 0; second < 29; second += 1) {
      await client.send('x');
      await settled(context, fixture);
      fixture.clock.advance(1000);
      assert.equal(isGone(fixture), false, `after ${second} s`);
    }
    await client.send('x');
    await settled(context, fixture);
    fixture.clock.advance(1100);
    await until('the cut', () => isGone(fixture));
  });

  it('is waited for no longer than 2 s', async (context) => {
    const fixture = await startClients(context, (asked) => asked.answer('bye', { close: true }));
    await afterSending(context, fixture, get('/1'));
    fixture.clock.advance(lingerMs - 100);
    assert.equal(isGone(fixture), false);
    fixture.clock.advance(200);
    await until('the cut', () => isGone(fixture));
  });
});

describe('a client that takes its time', () => {
  it('for its first head has requestHead from the beginning of the connection', async (context) => {
    const fixture = await startClients(context);
    const client = await afterSending(context, fixture, '');
    fixture.clock.advance(6000);
    await client.send('GET / HTTP/1.1\r\n');
    await settled(context, fixture);
    fixture.clock.advance(3900);
    await client.send('X: y\r\n');
    await settled(context, fixture);
    assert.equal(client.isEnded, false);
    fixture.clock.advance(200);
    await until('the end', () => client.isEnded);
    assert.deepEqual([client.statuses, fixture.refused], [['400'], ['too_slow']]);
    assert.deepEqual(timeouts(fixture), { keepAlive: 0, requestHead: 1 });
  });

  it('and says nothing at all is told nothing at all', async (context) => {
    const fixture = await startClients(context);
    const client = await afterSending(context, fixture, '');
    fixture.clock.advance(10_100);
    await until('the end', () => client.isEnded);
    assert.deepEqual([client.received, fixture.refused, fixture.counters.requestHead], ['', [], 1]);
  });

  it('for a later head has requestHead from its first byte', async (context) => {
    const fixture = await startClients(context, undefined, { keepAliveMs: 60_000 });
    const client = await afterSending(context, fixture, get('/1'));
    fixture.clock.advance(55_000);
    await client.send('G');
    await settled(context, fixture);
    fixture.clock.advance(9900);
    assert.equal(client.isEnded, false);
    await client.send(get('/2').slice(1));
    await until('the answer', () => client.statuses.length === 2);
    await client.send('G');
    await settled(context, fixture);
    fixture.clock.advance(10_100);
    await until('the end', () => client.isEnded);
    assert.deepEqual([client.statuses, fixture.refused], [['200', '200', '400'], ['too_slow']]);
  });

  it('between requests is closed without a word after keepAlive', async (context) => {
    const fixture = await startClients(context);
    const client = await afterSending(context, fixture, get('/1'));
    fixture.clock.advance(59_900);
    await client.send(get('/2'));
    await until('the answer', () => client.statuses.length === 2);
    fixture.clock.advance(59_900);
    assert.equal(client.isEnded, false);
    fixture.clock.advance(200);
    await until('the end', () => client.isEnded);
    assert.deepEqual(timeouts(fixture), { keepAlive: 1, requestHead: 0 });
    assert.equal(client.statuses.length, 2);
  });

  it('is not hurried while its request is handled', async (context) => {
    const fixture = await startClients(context, later);
    const client = await afterSending(context, fixture, get('/1'));
    fixture.clock.advance(3_600_000);
    fixture.asked[0]!.answer();
    await until('the answer', () => client.statuses.length === 1);
    assert.deepEqual([client.isEnded, timeouts(fixture)], [false, { keepAlive: 0, requestHead: 0 }]);
  });

  it('has as much as it likes where the limits are off', async (context) => {
    const fixture = await startClients(context, undefined, { requestHeadMs: 0, keepAliveMs: 0 });
    const client = await afterSending(context, fixture, '');
    fixture.clock.advance(3_600_000);
    await client.send(get('/1'));
    await until('the answer', () => client.statuses.length === 1);
    fixture.clock.advance(3_600_000);
    await client.send('G');
    await settled(context, fixture);
    fixture.clock.advance(3_600_000);
    await client.send(get('/2').slice(1));
    await until('the answer', () => client.statuses.length === 2);
  });
});

describe('a connection that is to leave', () => {
  it('waits between requests for one that may be on its way', async (context) => {
    for (const [before, graceMs] of [
      ['', 10_000],
      [get('/1'), 1000],
    ] as const) {
      const fixture = await startClients(context, undefined, { requestHeadMs: 0 });
      const client = await afterSending(context, fixture, before);
      const [connection] = fixture.connections;
      connection!.leave();
      fixture.clock.advance(graceMs - 200);
      assert.equal(client.isEnded, false);
      fixture.clock.advance(300);
      await until('the end', () => client.isEnded);
      connection!.leave();
      client.socket.end();
      await until('it is gone', () => isGone(fixture));
      connection!.leave();
      assert.equal(client.statuses.length, before === '' ? 0 : 1);
      assert.deepEqual(timeouts(fixture), { keepAlive: 0, requestHead: 0 });
    }
  });

  it('answers one that was, and says that it is the last', async (context) => {
    const fixture = await startClients(context);
    const client = await afterSending(context, fixture, get('/1'));
    fixture.connections[0]!.leave();
    await client.send(get('/2'));
    await until('the end', () => client.isEnded);
    assert.deepEqual(client.statuses.length, 2);
    assert.match(client.received, /connection: close/i);
  });

  it('takes the request that has begun, and says that it is the last', async (context) => {
    for (const before of [get('/1').slice(0, 9), get('/1')]) {
      const fixture = await startClients(context, later);
      const client = await afterSending(context, fixture, before);
      fixture.connections[0]!.leave();
      await client.send(get('/1').slice(before.length) + get('/2'));
      await until('the request', () => fixture.asked.length === 1);
      assert.equal(client.isEnded, false);
      fixture.asked[0]!.answer();
      await until('the end', () => client.isEnded);
      assert.match(client.received, /connection: close\r\n\r\nGET \/1$/);
      assert.equal(fixture.asked.length, 1);
    }
  });

  it('ends behind an answer that has begun', async (context) => {
    const fixture = await startClients(context, later);
    const client = await afterSending(context, fixture, get('/1'));
    const { downstream } = fixture.asked[0]!;
    downstream.sendHead(200, [], 2, false);
    downstream.flush();
    await until('the head', () => client.statuses.length === 1);
    fixture.connections[0]!.leave();
    downstream.sendChunk(Buffer.from('hi'));
    downstream.endResponse();
    await until('the end', () => client.isEnded);
    assert.match(client.received, /\r\n\r\nhi$/);
  });

  it('takes requests that wait for the port to be live, one of them', async (context) => {
    const fixture = await startClients(context, undefined, { isLive: false });
    const client = new Client(context, fixture.port);
    await client.send(get('/1') + get('/2'));
    const other = new Client(context, fixture.port);
    await other.send(get('/3'));
    await until('both are there', () => fixture.connections.length === 2);
    // A turn in which what was sent is read.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
    for (const connection of fixture.connections) connection.leave();
    fixture.context.isLive = true;
    for (const connection of fixture.connections) connection.advance();
    await until('both ends', () => client.isEnded && other.isEnded);
    assert.deepEqual([client.statuses, other.statuses], [['200'], ['200']]);
    assert.match(client.received, /connection: close\r\n\r\nGET \/1$/);
  });
});

describe('a connection that is cut', () => {
  it('by its client is told once, in whatever state', async (context) => {
    for (const before of ['', 'GET /', get('/1'), post(10)]) {
      const fixture = await startClients(context, later);
      const client = await afterSending(context, fixture, before);
      const [connection] = fixture.connections;
      client.socket.resetAndDestroy();
      await until('the end', () => isGone(fixture));
      assert.deepEqual(
        fixture.asked.map(({ end }) => end),
        /\r\n\r\n/.test(before) ? ['closed'] : [],
      );
      fixture.clock.advance(3_600_000);
      assert.equal(fixture.closed.filter((each) => each === connection).length, 1);
    }
  });

  it('before all of an answer is out has not sent it', async (context) => {
    const fixture = await startClients(context, later);
    const client = await afterSending(context, fixture, get('/1'));
    client.socket.pause();
    const [asked] = fixture.asked;
    asked!.answer(tooMuch);
    assert.equal(asked!.end, undefined);
    client.socket.resetAndDestroy();
    await until('the end', () => asked!.end !== undefined);
    assert.deepEqual([asked!.end, asked!.drains], ['closed', 0]);
  });

  it('at the end of an answer of which nobody knows whether it is complete, says no more than that', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      downstream.sendHead(200, [], 'untilClose', false);
      downstream.sendChunk(Buffer.from('half'));
      downstream.endResponse();
    });
    const client = await afterSending(context, fixture, get('/1') + get('/2'));
    await until('the end', () => client.isEnded);
    assert.equal(client.received, 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf');
  });

  it('by the handler shows that the answer is not complete', async (context) => {
    for (const [version, sends] of [
      ['1.1', 'unknown'],
      ['1.1', 100],
      ['1.0', 'unknown'],
    ] as const) {
      const fixture = await startClients(context, later);
      const client = await afterSending(context, fixture, `GET /1 HTTP/${version}\r\nHost: a\r\n\r\n`);
      let isReset = false;
      client.socket.on('error', () => {
        isReset = true;
      });
      const { downstream } = fixture.asked[0]!;
      downstream.sendHead(200, [], sends, false);
      downstream.sendChunk(Buffer.from('hi'));
      downstream.flush();
      await until('the beginning', () => client.received.includes('hi'));
      downstream.reset();
      await until('the end', () => client.isEnded || client.isClosed);
      assert.doesNotMatch(client.received, /0\r\n\r\n$/);
      // Where the end of the connection is the end of the body only a reset tells.
      if (version === '1.0') assert.equal(isReset, true);
    }
  });

  it('keeps the address that it was counted by', async (context) => {
    const fixture = await startClients(context, undefined, {}, (socket) => {
      assert.equal(socket.remoteAddress, '127.0.0.1');
      // A client that is gone by now has no address any more.
      const handle: object = Reflect.get(socket, '_handle');
      Reflect.set(handle, 'getpeername', () => -107);
    });
    const client = new Client(context, fixture.port);
    await until('the connection', () => fixture.connections.length === 1);
    const { peerAddress, peerPort } = fixture.connections[0]!.connection;
    assert.deepEqual([peerAddress, peerPort], ['127.0.0.1', client.socket.localPort]);
  });
});

describe('answers', () => {
  it('to HTTP/1.0 are never kept alive, chunked or informational', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      downstream.sendInformational(103, ['link', '</a>']);
      downstream.sendHead(200, [], 'unknown', false);
      downstream.sendChunk(Buffer.from('hi'));
      downstream.endResponse();
    });
    const client = new Client(context, fixture.port);
    await client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await until('the end', () => client.isEnded);
    assert.equal(client.received, 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi');
  });

  it('can be taken back until some of them is out', async (context) => {
    const fixture = await startClients(context, later);
    const client = await afterSending(context, fixture, get('/1'));
    const { downstream } = fixture.asked[0]!;
    downstream.sendHead(200, ['x-first', '1'], 'unknown', false);
    downstream.sendChunk(Buffer.from('wrong'));
    assert.equal(downstream.takeBack(), true);
    downstream.sendHead(502, [], 2, false);
    downstream.flush();
    assert.equal(downstream.takeBack(), false);
    downstream.sendChunk(Buffer.from('no'));
    downstream.endResponse();
    await until('the answer', () => client.received.endsWith('no'));
    assert.equal(client.received, 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 2\r\n\r\nno');
  });

  it('wait for a client that reads slowly, and say when it has read', async (context) => {
    const fixture = await startClients(context, later);
    const client = await afterSending(context, fixture, get('/1') + get('/2'));
    client.socket.pause();
    const [asked] = fixture.asked;
    const { downstream } = asked!;
    downstream.sendHead(200, [], 2 * tooMuch.length, false);
    assert.equal(downstream.sendChunk(Buffer.from(tooMuch)), false);
    assert.ok(downstream.unsentMark > 0);
    client.socket.resume();
    await until('it has read', () => asked!.drains === 1);
    assert.equal(downstream.unsentMark, 0);
    client.socket.pause();
    downstream.sendChunk(Buffer.from(tooMuch));
    downstream.endResponse();
    assert.deepEqual([asked!.end, fixture.asked.length], [undefined, 1]);
    client.socket.resume();
    await until('the next request', () => fixture.asked.length === 2);
    assert.deepEqual([asked!.end, asked!.drains], ['sent', 1]);
  });
});
