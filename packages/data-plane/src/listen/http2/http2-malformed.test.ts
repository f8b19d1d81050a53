// What must not become an HTTP/1.1 request (RFC 9113 sections 8.2 and 8.3): each case is a way that others have let one through.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { settled, startClients, startSecureHttp2, stuff } from '../../testing/client-fixture.ts';
import { until } from '../../testing/http-client.ts';
import {
  data,
  ErrorCode,
  type Fields,
  frame,
  FrameClient,
  FrameFlag,
  FrameType,
  headers,
  initialWindowSize,
  ping,
  pseudo,
  settings,
  windowUpdate,
} from '../../testing/http2-frames.ts';

const without = (name: string): Fields => pseudo().filter(([field]) => field !== name);
const withValue = (name: string, value: string): Fields =>
  pseudo().map(([field, known]) => [field, field === name ? value : known]);
const more = (...fields: [string, string][]): Fields => [...pseudo('POST'), ...fields];

/** Sends a stream, and waits for what is sent behind it to be answered: then the stream has been looked at. */
async function looked(context: TestContext, bytes: Buffer) {
  const fixture = await startClients(context, () => {});
  const client = new FrameClient(context, fixture.port);
  await client.send(bytes, ping());
  const isAnswered = (): boolean => client.of(FrameType.ping).length > 0 || client.isClosed;
  await until('an answer', isAnswered);
  return { fixture, client };
}

/** Heads that no request comes of. */
const refused: Record<string, Fields> = {
  'an upper-case name': more(['X', 'a']),
  'transfer-encoding': more(['transfer-encoding', 'chunked']),
  connection: more(['connection', 'x']),
  upgrade: more(['upgrade', 'h2c']),
  'keep-alive': more(['keep-alive', 'x']),
  'proxy-connection': more(['proxy-connection', 'close']),
  'http2-settings': more(['http2-settings', 'AA']),
  'te: gzip': more(['te', 'gzip']),
  'te: trailers and more': more(['te', 'trailers, gzip']),
  'a value with a leading blank': more(['x', ' a']),
  'a value with a trailing tab': more(['x', 'a\t']),
  'a length that is none': more(['content-length', '+3']),
  'an empty length': more(['content-length', '']),
  'two lengths': more(['content-length', '3'], ['content-length', '3']),
  'a list of lengths': more(['content-length', '3, 3']),
  'a repeated pseudo-header field': [...pseudo(), [':path', '/']],
  'a late pseudo-header field': [['x', 'y'], ...pseudo()],
  'an unknown pseudo-header field': [...pseudo(), [':foo', '/']],
  'a :status': [...pseudo(), [':status', '200']],
  'no :path': without(':path'),
  'no :method': without(':method'),
  'no :scheme': without(':scheme'),
  'no authority': without(':authority'),
  'two Hosts': [...without(':authority'), ['host', 'a'], ['host', 'a']],
  'a :protocol without CONNECT': [...pseudo(), [':protocol', 'websocket']],
  ...values(':path', ['', 'a', '*', 'http://a/', '/a#b', '/a b', '/a\r\nb', '/a\0', '/\x7f', '/\xe9']),
  ...values(':scheme', ['http://x/?', 'ftp', '', 'HTTP', 'http ', 'http\r\n']),
  ...values(':authority', ['u@a', 'a:99999', 'a b', 'a\r\nx: y', '', 'a,b', '[::g]', 'a/b']),
  ...values(':method', ['get', 'G T', '', 'GET\r\n', 'GET /x HTTP/1.1\r\nx:']),
};

function values(name: string, list: readonly string[]): Record<string, Fields> {
  return Object.fromEntries(
    list.map((value) => [`${name} ${JSON.stringify(value)}`, withValue(name, value)]),
  );
}

describe('a malformed request of HTTP/2', () => {
  for (const [what, fields] of Object.entries(refused))
    it(`is not forwarded: ${what}`, async (context) => {
      const { fixture, client } = await looked(context, headers(1, fields, 0));
      assert.deepEqual(fixture.asked, []);
      const isReset = client.resets(1)[0] === ErrorCode.protocol;
      assert.ok(
        isReset || fixture.refused[0] === 'malformed',
        JSON.stringify([client.resets(1), fixture.refused]),
      );
      assert.deepEqual(client.goaways, [], 'other streams go on');
    });

  // The runtime drops such a field and says nothing to anybody.
  for (const [name, value] of [
    ['x', 'a\r\nevil: b'],
    ['x', 'a\nevil: b'],
    ['x', 'a\0b'],
    ['x\r\nevil', 'a'],
    ['x: y', 'a'],
    ['x y', 'a'],
    ['', 'a'],
  ] as const)
    it(`loses the field ${JSON.stringify([name, value])}, whole`, async (context) => {
      const { fixture } = await looked(
        context,
        headers(1, more([name, value], ['y', 'z']), FrameFlag.endStream),
      );
      const { fields, names } = fixture.asked[0]!.downstream.head;
      assert.deepEqual(
        [fields, names],
        [
          ['host', 'a', 'y', 'z'],
          ['host', 'y'],
        ],
      );
    });

  for (const [what, length, sent] of [
    ['a body that is too short', '3', data(1, 'x', FrameFlag.endStream)],
    ['a body that is too long', '3', data(1, 'xxxx', FrameFlag.endStream)],
    ['a body where none was announced', '0', data(1, 'x', FrameFlag.endStream)],
  ] as const)
    it(`is cut off: ${what}`, async (context) => {
      const fixture = await startClients(context, ({ downstream }) => downstream.startBody());
      const client = new FrameClient(context, fixture.port);
      await client.send(headers(1, more(['content-length', length]), 0));
      await until('the request', () => fixture.asked.length === 1);
      await client.send(sent);
      await until('its end', () => fixture.asked[0]!.end === 'closed');
      assert.equal(fixture.asked[0]!.isReceived, length === '0', 'never complete');
    });

  for (const [what, bytes] of [
    ['a body that is too long', data(5, 'hello', FrameFlag.endStream)],
    ['a body that is too long, in pieces', Buffer.concat([data(5, 'hel'), data(5, 'lo')])],
  ] as const)
    for (const start of [startClients, startSecureHttp2])
      it(`fails no other request of its connection (${start.name}): ${what}`, async (context) => {
        const fixture = await start(context, ({ downstream }) => downstream.startBody());
        const client = new FrameClient(context, fixture.port, undefined, start === startSecureHttp2);
        await client.send(headers(1, pseudo()), headers(3, pseudo('POST'), 0));
        await client.send(headers(5, more(['content-length', '3']), 0));
        await until('the requests', () => fixture.asked.length === 3);
        await client.send(bytes, data(3, 'x', FrameFlag.endStream), ping());
        await until('the reset', () => client.resets(5).length === 1 && fixture.asked[2]!.end === 'closed');
        await until('the other body', () => fixture.asked[1]!.isReceived);
        for (const asked of fixture.asked.slice(0, 2)) asked.answer('hi');
        await until('the other answers', () => client.body(1) === 'hi' && client.body(3) === 'hi');
        await client.send(headers(7, pseudo()));
        await until('a later request', () => fixture.asked.length === 4);
        assert.deepEqual([client.resets(5), client.goaways], [[ErrorCode.protocol], []]);
        assert.equal(fixture.context.http2Counters.goaways.misuse, 0);
      });

  it('fails no other request of its connection when the client does not read the reset at once', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => downstream.startBody());
    const client = new FrameClient(context, fixture.port);
    client.socket.pause();
    await client.send(windowUpdate(0, 0x7000_0000), settings(initialWindowSize, 0x7fff_ffff));
    await client.send(headers(1, pseudo()), headers(3, more(['content-length', '3']), 0));
    await until('the requests', () => fixture.asked.length === 2);
    await stuff(fixture.asked[0]!);
    await client.send(data(3, 'hello', FrameFlag.endStream));
    await settled(context, fixture);
    client.socket.resume();
    await until('the reset', () => client.resets(3).length === 1);
    fixture.asked[0]!.downstream.endResponse();
    await until('the end', () =>
      client.of(FrameType.data, 1).some(({ flags }) => flags === FrameFlag.endStream),
    );
    assert.deepEqual([client.resets(3), client.goaways], [[ErrorCode.protocol], []]);
  });

  it('is not forwarded: a body that its head denies', async (context) => {
    const head = headers(1, more(['content-length', '3']), FrameFlag.endStream);
    const { fixture, client } = await looked(context, head);
    assert.deepEqual([fixture.asked, client.resets(1)], [[], [ErrorCode.protocol]]);
  });

  for (const [what, fields, flags] of [
    ['pseudo-header fields in trailers', [[':path', '/']], FrameFlag.endStream],
    ['trailers that end nothing', [['x', 'y']], 0],
    ['a connection field in trailers', [['transfer-encoding', 'chunked']], FrameFlag.endStream],
  ] as const)
    it(`is cut off: ${what}`, async (context) => {
      const fixture = await startClients(context, ({ downstream }) => downstream.startBody());
      const client = new FrameClient(context, fixture.port);
      await client.send(headers(1, pseudo('POST'), 0), data(1, 'x'));
      await until('the body', () => fixture.asked[0]?.body === 'x');
      await client.send(headers(1, fields, flags));
      await until('its end', () => fixture.asked[0]!.end === 'closed');
      await until('the reset', () => client.resets(1).length > 0);
      assert.deepEqual([client.resets(1), fixture.asked[0]!.isReceived], [[ErrorCode.protocol], false]);
    });

  it('holds its stream no longer than 10 s when its client takes no answer', async (context) => {
    const fixture = await startClients(context);
    const client = new FrameClient(context, fixture.port);
    await client.send(settings(initialWindowSize, 0), headers(1, more(['x', ' a'])));
    await until('the answer', () => client.of(FrameType.headers, 1).length === 1);
    fixture.clock.advance(9000);
    await client.send(ping());
    await until('a moment', () => client.of(FrameType.ping).length === 1);
    assert.deepEqual(client.resets(1), []);
    fixture.clock.advance(1100);
    await until('the reset', () => client.resets(1).length === 1);
    await until('the end', () => {
      fixture.clock.advance(1000);
      return fixture.closed.length === 1;
    });
  });

  it('ends the connection when it goes on after its end', async (context) => {
    const { fixture, client } = await looked(
      context,
      Buffer.concat([headers(1, pseudo()), headers(1, pseudo())]),
    );
    await until('the end', () => client.isClosed);
    assert.ok(fixture.asked.length <= 1);
  });
});

describe('the limits of heads', () => {
  for (const [what, fields, isTaken] of [
    ['a head of 32 KiB', more(['x', 'y'.repeat(32_768 - 200)]), true],
    ['a larger one', more(['x', 'y'.repeat(32_768)]), false],
    ['200 fields', many(199), true],
    ['201 fields', many(200), false],
  ] as const)
    it(`${isTaken ? 'take' : 'answer 431 to'} ${what}`, async (context) => {
      const { fixture, client } = await looked(context, headers(1, fields));
      assert.deepEqual([fixture.asked.length, fixture.refused], isTaken ? [1, []] : [0, ['head_too_large']]);
      assert.deepEqual(client.goaways, []);
    });

  it('answer 414 to a long target', async (context) => {
    const { fixture } = await looked(context, headers(1, pseudo('GET', `/${'x'.repeat(8192)}`)));
    assert.deepEqual(fixture.refused, ['uri_too_long']);
  });

  const huge = headers(1, more(['x', 'y'.repeat(60_000)], ['z', 'y'.repeat(10_000)]));

  it('reset the stream of more than twice that size, which was announced', async (context) => {
    const acknowledged = frame(FrameType.settings, FrameFlag.ack, 0);
    const { fixture, client } = await looked(context, Buffer.concat([acknowledged, huge]));
    assert.deepEqual([fixture.asked, fixture.refused, client.resets(1)], [[], [], [ErrorCode.calm]]);
  });

  it('answer 431 to it where the client has not heard of the limit', async (context) => {
    const { fixture, client } = await looked(context, huge);
    assert.deepEqual([fixture.refused, client.resets(1)], [['head_too_large'], []]);
  });

  it('count a cookie once, in however many crumbs it comes', async (context) => {
    const crumbs = Array.from({ length: 500 }, (_, index): [string, string] => ['cookie', `c${index}=1`]);
    const { fixture } = await looked(context, headers(1, more(...crumbs)));
    const { head } = fixture.asked[0]!.downstream;
    assert.deepEqual(head.names, ['host', 'cookie']);
    assert.equal(head.fields[3], crumbs.map(([, value]) => value).join('; '));
  });

  it('end the stream of 10,000 crumbs', async (context) => {
    const crumbs = Array.from({ length: 10_000 }, (_, index): [string, string] => ['cookie', `c${index}=1`]);
    const { fixture, client } = await looked(context, headers(1, more(...crumbs)));
    assert.deepEqual([fixture.asked, client.resets(1)], [[], [ErrorCode.calm]]);
  });
});

function many(count: number): Fields {
  return more(...Array.from({ length: count }, (_, index): [string, string] => [`x${index}`, '1']));
}
