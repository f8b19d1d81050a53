import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type Asked, startClients } from '../../testing/client-fixture.ts';
import { until } from '../../testing/http-client.ts';
import { ask, asked, openSession } from '../../testing/http2-client.ts';
import {
  data,
  ErrorCode,
  frame,
  FrameClient,
  FrameFlag,
  FrameType,
  headers,
  preface,
  pseudo,
  reset,
  windowUpdate,
} from '../../testing/http2-frames.ts';
import { patternOf } from '../../testing/pattern.ts';

const later = (): void => {};
const settings = frame(FrameType.settings, 0, 0);

describe('a request of HTTP/2', () => {
  it('has a head as one of HTTP/1.1 would have, the authority of which is its Host', async (context) => {
    const fixture = await startClients(context);
    const client = new FrameClient(context, fixture.port);
    await client.send(
      headers(1, [
        ...pseudo('GET', '/a?b', 'a.test:80'),
        ['host', 'b.test'],
        ['cookie', 'a=1'],
        ['x', '\xe9'],
        ['cookie', 'b=2'],
      ]),
    );
    await until('the answer', () => client.of(FrameType.data, 1).length > 0);
    const { head, connection } = fixture.asked[0]!.downstream;
    assert.deepEqual(
      [head.method, head.target, head.host, head.majorVersion],
      ['GET', '/a?b', 'a.test:80', 2],
    );
    assert.deepEqual(head.fields, ['host', 'a.test:80', 'cookie', 'a=1; b=2', 'x', '\xe9']);
    assert.deepEqual(head.names, ['host', 'cookie', 'x']);
    assert.deepEqual([head.bodyLength, head.contentLength], [0, -1]);
    assert.deepEqual([connection.socketKey, connection.scheme], ['a:1', 'http']);
  });

  it('may name its host in Host alone', async (context) => {
    const fixture = await startClients(context);
    const client = new FrameClient(context, fixture.port);
    await client.send(
      headers(1, [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        ['host', 'b.test'],
      ]),
    );
    const [{ downstream }] = (await asked(fixture)) as [Asked];
    assert.deepEqual([downstream.head.host, downstream.head.fields], ['b.test', ['host', 'b.test']]);
  });

  it('brings its body, of a length that is known or not, and its trailers', async (context) => {
    for (const length of [undefined, 5]) {
      const fixture = await startClients(context, (one) => {
        one.whenReceived = () => one.answer('ok');
        one.downstream.startBody();
      });
      const client = new FrameClient(context, fixture.port);
      const declared: [string, string][] = length === undefined ? [] : [['content-length', '5']];
      await client.send(headers(1, [...pseudo('POST'), ...declared], 0), data(1, 'he'), data(1, 'llo'));
      await client.send(headers(1, [['x-trailer', 'a']]));
      await until('the answer', () => client.body(1) === 'ok');
      const [one] = fixture.asked;
      assert.deepEqual(
        [one!.body, one!.downstream.head.bodyLength, one!.end],
        ['hello', length ?? -1, 'sent'],
      );
      assert.deepEqual(one!.trailers, ['x-trailer', 'a']);
      assert.deepEqual(client.resets(1), []);
    }
  });

  it('gets trailers behind a body, if it has said that it wants them', async (context) => {
    for (const [te, length, trailers] of [
      [true, 'unknown', ['x-a', '1', 'x-a', '2']],
      [true, 'unknown', undefined],
      [true, 2, ['x-a', '1']],
      [false, 'unknown', ['x-a', '1']],
    ] as const) {
      const fixture = await startClients(context, ({ downstream }) => {
        downstream.sendHead(200, [], length, false);
        downstream.sendChunk(Buffer.from('hi'));
        downstream.endResponse(trailers);
      });
      const heard = ask(openSession(context, fixture), te ? { te: 'trailers' } : {});
      let got: unknown;
      heard.stream.on('trailers', (_fields, _flags, raw: unknown) => {
        got = raw;
      });
      await until('the end', () => heard.isEnded && heard.isClosed);
      assert.deepEqual([heard.body, got, fixture.asked[0]!.end], ['hi', te ? trailers : undefined, 'sent']);
    }
  });

  it('is asked for its body where its client waits for that', async (context) => {
    const fixture = await startClients(context, later);
    const heard = ask(openSession(context, fixture), { ':method': 'POST', expect: '100-continue' }, null);
    const [one] = (await asked(fixture)) as [Asked];
    assert.deepEqual(heard.informational, []);
    one.whenReceived = () => one.answer('ok');
    one.downstream.startBody();
    await until('100', () => heard.informational.length === 1);
    heard.stream.end('hi');
    await until('the answer', () => heard.isEnded);
    assert.deepEqual([heard.body, one.body], ['ok', 'hi']);
  });

  it('is over at once when its client takes it back', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => downstream.startBody());
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo('POST'), 0), headers(3, pseudo('GET', '/b')));
    await asked(fixture, 2);
    await client.send(reset(1, ErrorCode.cancel));
    await until('the end', () => fixture.asked[0]!.end === 'closed');
    assert.deepEqual([fixture.asked[1]!.end, fixture.asked[0]!.isReceived], [undefined, false]);
    fixture.asked[1]!.answer();
    await until('the other answer', () => client.body(3) === 'GET /b');
    fixture.asked[0]!.answer('too late');
    await until('the end of the other', () => fixture.asked[1]!.end === 'sent');
    assert.equal(fixture.asked[0]!.end, 'closed');
  });

  it('is over when the connection is', async (context) => {
    const fixture = await startClients(context, later);
    for (const end of ['end', 'destroy'] as const) {
      fixture.asked.length = 0;
      fixture.closed.length = 0;
      const client = new FrameClient(context, fixture.port);
      await client.send(headers(1, pseudo()), headers(3, pseudo('POST'), 0));
      await asked(fixture, 2);
      client.socket[end]();
      await until('the ends', () => fixture.asked.every((one) => one.end === 'closed'));
      await until('no connection', () => fixture.closed.length === 1);
    }
  });

  it('waits with its body while that is not wanted: the client may send no more than the window', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      downstream.startBody();
    });
    const session = openSession(context, fixture);
    const body = patternOf(1_000_000);
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    const [one] = (await asked(fixture)) as [Asked];
    const pieces: Buffer[] = [];
    let isHeld = true;
    one.takes = (chunk) => {
      pieces.push(Buffer.from(chunk));
      if (isHeld) one.downstream.pauseBody();
      return true;
    };
    stream.end(body);
    await until('the first piece', () => pieces.length > 0);
    const other = ask(session, { ':path': '/other' });
    await until('another request', () => fixture.asked.length === 2);
    fixture.asked[1]!.answer();
    await until('its answer', () => other.isEnded);
    assert.ok(one.bodyBytes <= 262_144, `${one.bodyBytes}`);
    isHeld = false;
    one.downstream.resumeBody();
    await until('all', () => one.isReceived);
    assert.ok(Buffer.concat(pieces).equals(body));
  });
});

describe('a response of HTTP/2', () => {
  it('has the fields of its upstream, without those of a connection', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      const fields = [
        'Set-Cookie',
        'a=1',
        'set-cookie',
        'b=2',
        'Age',
        '1',
        'Age',
        '2',
        'X',
        '\xe9',
        'Keep-Alive',
        'x',
        'Upgrade',
        'y',
      ];
      downstream.sendHead(200, fields, 2, false);
      downstream.sendChunk(Buffer.from('hi'));
      downstream.endResponse();
    });
    const heard = ask(openSession(context, fixture), {});
    await until('the answer', () => heard.isEnded);
    const { fields } = heard;
    assert.deepEqual(
      [fields['set-cookie'], fields['x'], fields['content-length']],
      [['a=1', 'b=2'], '\xe9', '2'],
    );
    assert.deepEqual(
      [fields['keep-alive'], fields['upgrade'], fields['connection']],
      [undefined, undefined, undefined],
    );
    assert.equal(heard.body, 'hi');
  });

  it('has no body to HEAD, with 204 and with 304', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      const { method, target } = downstream.head;
      const status = target === '/' ? 200 : Number(target.slice(1));
      downstream.sendHead(status, [], status === 204 ? undefined : 3, false);
      if (method === 'HEAD') downstream.sendChunk(Buffer.from('abc'));
      downstream.endResponse();
    });
    const session = openSession(context, fixture);
    for (const [method, path, length] of [
      ['HEAD', '/', '3'],
      ['GET', '/204', undefined],
      ['GET', '/304', '3'],
    ] as const) {
      const heard = ask(session, { ':method': method, ':path': path });
      await until('the end', () => heard.isClosed);
      assert.deepEqual(
        [heard.body, heard.fields['content-length'], heard.stream.rstCode],
        ['', length, 0],
        path,
      );
    }
    await until('all are out', () => fixture.asked.every(({ end }) => end === 'sent'));
  });

  it('comes behind informational ones, but not behind 101', async (context) => {
    const fixture = await startClients(context, (one) => {
      one.downstream.sendInformational(103, ['Link', '</a>']);
      one.downstream.sendInformational(101, []);
      one.answer();
    });
    const heard = ask(openSession(context, fixture), {});
    await until('the answer', () => heard.isEnded);
    assert.deepEqual([heard.informational, heard.status], [[103], 200]);
  });

  it('may be taken back until some of it is out', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      downstream.sendHead(200, [], 'unknown', false);
      downstream.sendChunk(Buffer.from('no'));
      assert.equal(downstream.takeBack(), true);
      downstream.sendHead(502, [], 'unknown', false);
      downstream.flush();
      assert.equal(downstream.takeBack(), false);
      downstream.sendChunk(Buffer.from('yes'));
      downstream.endResponse();
    });
    const heard = ask(openSession(context, fixture), {});
    await until('the answer', () => heard.isEnded);
    assert.deepEqual([heard.status, heard.body], [502, 'yes']);
  });

  it('never ends cleanly when it is cut', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      downstream.sendHead(200, [], 'unknown', false);
      downstream.sendChunk(Buffer.from('half'));
      downstream.flush();
      if (downstream.head.target === '/cut') setImmediate(() => downstream.reset());
    });
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo('GET', '/cut')), headers(3, pseudo()));
    await until('the cut', () => client.resets(1).length > 0);
    assert.deepEqual(client.resets(1), [ErrorCode.internal]);
    assert.ok(client.of(FrameType.data, 1).every(({ flags }) => (flags & FrameFlag.endStream) === 0));
    assert.deepEqual([client.resets(3), client.goaways], [[], []]);
  });

  it('may come before the body, of which then no more is wanted', async (context) => {
    const fixture = await startClients(context, (one) => one.answer('no', { status: 413 }));
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo('POST'), 0), data(1, 'x'));
    await until('the end', () => fixture.asked[0]?.end === 'sent');
    await until('the answer', () => client.body(1) === 'no');
    assert.deepEqual(client.resets(1), []);
    fixture.clock.advance(3000);
    await until('the reset', () => client.resets(1).length > 0);
    assert.deepEqual([client.body(1), client.resets(1), client.goaways], ['no', [ErrorCode.none], []]);
    await until('the end', () => fixture.asked[0]!.end === 'sent');
  });

  for (const length of [60_000, 200_000])
    it(`leaves nothing of a body of ${length} bytes that nobody reads, whether or not its client goes`, async (context) => {
      const fixture = await startClients(context, (one) => one.answer('no', { status: 413 }));
      const session = openSession(context, fixture);
      const heard = ask(session, { ':method': 'POST', ':path': '/' }, 'x'.repeat(length));
      await until('the end', () => fixture.asked[0]?.end === 'sent');
      fixture.clock.advance(3000);
      await until('the reset', () => heard.isClosed);
      assert.deepEqual([heard.status, heard.body, heard.stream.rstCode], [413, 'no', ErrorCode.none]);
      const other = openSession(context, fixture);
      ask(other, { ':method': 'POST', ':path': '/' }, 'x'.repeat(length));
      await until('the other end', () => fixture.asked[1]?.end === 'sent');
      other.destroy();
      session.destroy();
      await until('no connection', () => fixture.closed.length === 2);
      assert.equal(fixture.context.http2Counters.connections, 0);
    });

  it('is no obstacle to the timeout of its connection when its client takes back a body that nobody reads', async (context) => {
    const fixture = await startClients(context, later);
    const client = new FrameClient(context, fixture.port);
    const piece = data(1, Buffer.alloc(16_000));
    await client.send(headers(1, pseudo('POST'), 0), piece, piece, piece);
    const [one] = await asked(fixture);
    await client.send(reset(1, ErrorCode.none));
    await until('the end', () => one!.end === 'closed');
    await until('the timeout', () => {
      fixture.clock.advance(1000);
      return client.isClosed;
    });
    assert.equal(fixture.context.http2Counters.goaways.keepAlive, 1);
  });

  it('waits for its client, byte for byte, and holds no more than it was given', async (context) => {
    const fixture = await startClients(context, later);
    const client = new FrameClient(context, fixture.port);
    await client.send(headers(1, pseudo()));
    const [one] = (await asked(fixture)) as [Asked];
    const { downstream } = one;
    const piece = patternOf(65_536);
    downstream.sendHead(200, [], 'unknown', false);
    const received = (): number =>
      client.of(FrameType.data, 1).reduce((sum, { payload }) => sum + payload.length, 0);
    // The window of a client that says nothing is 65,535 bytes.
    assert.equal(downstream.sendChunk(piece), false);
    await until('the window', () => received() === 65_535);
    await until('only the last piece waits', () => downstream.unsentMark <= 16_384);
    assert.deepEqual([downstream.unsentMark > 0, one.drains], [true, 0]);
    await client.send(windowUpdate(0, 1_000_000), windowUpdate(1, 16_385));
    await until('the rest', () => one.drains === 1);
    assert.equal(downstream.unsentMark, 0);
    assert.equal(downstream.sendChunk(piece), false);
    const before = downstream.unsentMark;
    await until('some', () => received() === 65_536 + 16_384);
    await until('the mark falls', () => downstream.unsentMark < before);
    downstream.endResponse();
    assert.equal(one.end, undefined);
    await client.send(windowUpdate(1, 1_000_000));
    await until('the end', () => one.end === 'sent' && received() === 131_072);
    const body = Buffer.concat(client.of(FrameType.data, 1).map(({ payload }) => payload));
    assert.ok(body.equals(Buffer.concat([piece, piece])));
  });

  it('takes many small pieces until there are too many, and copies them', async (context) => {
    const fixture = await startClients(context, later);
    const client = new FrameClient(
      context,
      fixture.port,
      Buffer.concat([preface, settings, windowUpdate(0, 1_000_000)]),
    );
    await client.send(headers(1, pseudo()));
    const [one] = (await asked(fixture)) as [Asked];
    one.downstream.sendHead(200, [], 'unknown', false);
    const piece = Buffer.alloc(4096, 'x');
    let taken = 1;
    while (one.downstream.sendChunk(piece)) taken += 1;
    piece.fill('y');
    assert.equal(taken, 5);
    one.downstream.endResponse();
    await until('the end', () => one.end === 'sent' && client.body(1).length >= 5 * 4096);
    assert.equal(client.body(1), 'x'.repeat(5 * 4096));
  });
});
