import assert from 'node:assert/strict';
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { describe, it, type TestContext } from 'node:test';

import type { UpstreamRequest } from '../../proxy/exchange.ts';
import { answeringUpstream, type FrameConnection } from '../../testing/frame-upstream.ts';
import { call, exchange, get, openPool } from '../../testing/heard.ts';
import { until } from '../../testing/http-client.ts';
import {
  block,
  data,
  ErrorCode,
  frame,
  FrameFlag,
  FrameType,
  headers,
  reset,
} from '../../testing/http2-frames.ts';
import { patternOf } from '../../testing/pattern.ts';
import { listenRaw } from '../../testing/raw-upstream.ts';
import type { EndpointPool } from '../endpoint-pool.ts';

const ok = [[':status', '200']] as const;
const post: UpstreamRequest = { ...get, method: 'POST', bodyLength: 'unknown' };

/** A pool before an upstream of HTTP/2. */
const http2Pool = (context: TestContext, port: number): EndpointPool =>
  openPool(context, port, { settings: { protocol: 'h2c' } });

/** The same before one that answers each request with these frames. */
async function before(
  context: TestContext,
  answer: (connection: FrameConnection, stream: number, index: number) => void,
): Promise<EndpointPool> {
  return http2Pool(context, (await answeringUpstream(context, answer)).port);
}

/** What comes of one request that is answered with these frames. */
async function heardOf(
  context: TestContext,
  frames: (stream: number) => Buffer[],
  request: UpstreamRequest = get,
) {
  return exchange(await before(context, (connection, stream) => connection.send(...frames(stream))), request);
}

/** A server of the runtime. */
async function served(
  context: TestContext,
  onStream: (stream: ServerHttp2Stream, fields: IncomingHttpHeaders, raw: string[]) => void,
) {
  const server: Http2Server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream, fields, _flags, raw) => {
    stream.on('error', () => {});
    onStream(stream, fields, raw);
  });
  const port = await listenRaw(context, server);
  return { pool: http2Pool(context, port), sessions, port };
}

describe('a request to an upstream of HTTP/2', () => {
  /** What a server is sent for a request. */
  async function sent(context: TestContext, request: UpstreamRequest): Promise<string[]> {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    const { pool } = await served(context, (stream, _fields, raw) => {
      resolve(raw);
      stream.respond();
      stream.end();
    });
    await exchange(pool, request);
    return promise;
  }

  const start = [':method', 'GET', ':scheme', 'http', ':authority', 'a.test', ':path', '/x?y'];

  it('has its host as authority, and its fields in lower case, byte for byte', async (context) => {
    assert.deepEqual(await sent(context, get), [...start, 'x-a', '\xe9']);
    const nameless = await sent(context, { ...get, fields: [] });
    assert.match(nameless[5]!, /^127\.0\.0\.1:\d+$/);
  });

  it('has no field of one connection, and of TE what says that trailers are wanted', async (context) => {
    const fields = ['host', 'a.test', 'Connection', 'x', 'TE', 'gzip', 'Upgrade', 'h2c', 'X', 'y', 'X', 'z'];
    assert.deepEqual(await sent(context, { ...get, fields }), [...start, 'x', 'y', 'x', 'z']);
    assert.deepEqual(await sent(context, { ...get, fields, wantsTrailers: true }), [
      ...start,
      'x',
      'y',
      'x',
      'z',
      'te',
      'trailers',
    ]);
  });

  it('says the length of its body where that is known, and 0 where a body is usual', async (context) => {
    const fields = ['host', 'a.test'];
    const lengthOf = async (request: Partial<UpstreamRequest>): Promise<string | undefined> => {
      const raw = await sent(context, { ...post, fields, ...request });
      return raw[raw.indexOf('content-length') + 1];
    };
    assert.equal(await lengthOf({ bodyLength: 0 }), '0');
    for (const request of [{ bodyLength: 'unknown' }, { method: 'GET', bodyLength: 0 }] as const)
      assert.equal(await lengthOf(request), ':method', 'there is none');
  });

  it('without a body ends with its head; with one it ends with the last piece of it', async (context) => {
    const flags: number[][] = [];
    const upstream = await answeringUpstream(context, (connection, stream) =>
      connection.send(headers(stream, ok)),
    );
    const pool = http2Pool(context, upstream.port);
    await exchange(pool);
    const { heard, sent: sending } = call(pool, { ...post, bodyLength: 5 });
    sending.sendChunk(Buffer.from('hello'));
    sending.endRequest();
    await until('the end', () => heard.isOver);
    const [connection] = upstream.connections;
    await until('the body', () => connection!.of(FrameType.data, 3).length > 0);
    for (const stream of [1, 3])
      flags.push(
        connection!.frames
          .filter((each) => each.stream === stream && each.type < 2)
          .map((each) => each.flags & 1),
      );
    assert.deepEqual(flags, [[1], [0, 1]]);
    assert.equal(connection!.body(3), 'hello');
  });

  it('is sent with its trailers, or with none', async (context) => {
    const seen: unknown[] = [];
    const { pool } = await served(context, (stream) => {
      let trailers: unknown;
      stream.on('trailers', (_fields, _flags, raw: unknown) => {
        trailers = raw;
      });
      stream.on('data', () => {});
      stream.on('end', () => {
        seen.push(trailers);
        stream.respond();
        stream.end();
      });
    });
    for (const trailers of [['x-t', '1', 'x-t', '2'], undefined]) {
      const { heard, sent: sending } = call(pool, { ...post, mayHaveTrailers: true });
      await until('a connection', () => heard.isReady);
      sending.sendChunk(Buffer.from('hi'));
      sending.endRequest(trailers);
      await until('the end', () => heard.isOver);
    }
    assert.deepEqual(seen, [['x-t', '1', 'x-t', '2'], undefined]);
  });

  it('is reset with CANCEL when it is aborted, in the middle of its body too, and never ended', async (context) => {
    const upstream = await answeringUpstream(context, () => {});
    const pool = http2Pool(context, upstream.port);
    const calls = [call(pool), call(pool, post)];
    await until('the second', () => calls[1]!.heard.isReady);
    calls[1]!.sent.sendChunk(Buffer.from('half'));
    calls[1]!.sent.flush();
    const connection = await new Promise<FrameConnection>((resolve) => {
      void until('both', () => upstream.connections[0]?.body(3) === 'half').then(() =>
        resolve(upstream.connections[0]!),
      );
    });
    for (const { sent: sending } of calls) sending.abort();
    await until('the resets', () => connection.of(FrameType.reset).length === 2);
    assert.deepEqual([connection.resets(1), connection.resets(3)], [[ErrorCode.cancel], [ErrorCode.cancel]]);
    assert.ok(connection.of(FrameType.data, 3).every(({ flags }) => (flags & FrameFlag.endStream) === 0));
    assert.deepEqual([pool.activeRequests, pool.connections], [0, 1]);
    assert.deepEqual(
      calls.map(({ heard }) => heard.isOver),
      [false, false],
    );
  });

  it('is given to the upstream as fast as that takes it, whole', async (context) => {
    const body = patternOf(1_000_000);
    let isReading = false;
    const pieces: Buffer[] = [];
    const { pool } = await served(context, (stream) => {
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        stream.respond();
        stream.end();
      });
      stream.pause();
      void until('reading', () => isReading).then(() => stream.resume());
    });
    const { heard, sent: sending } = call(pool, { ...post, bodyLength: body.length });
    await until('a connection', () => heard.isReady);
    let at = 0;
    const sendOn = (): boolean => {
      while (at < body.length) {
        const piece = body.subarray(at, at + 30_000);
        at += piece.length;
        if (!sending.sendChunk(piece)) return false;
      }
      return true;
    };
    let { drains } = heard;
    assert.equal(sendOn(), false);
    const sentOn = async (): Promise<void> => {
      for (;;) {
        await until('room', () => heard.drains > drains);
        ({ drains } = heard);
        if (sendOn()) return sending.endRequest();
      }
    };
    const whole = sentOn();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(at < 300_000, `${at} bytes have been taken by nobody`);
    const stuck = sending.unsentMark;
    assert.ok(stuck > 0);
    isReading = true;
    await whole;
    await until('the end', () => heard.isOver);
    assert.equal(Buffer.compare(Buffer.concat(pieces), body), 0);
  });
});

describe('a response of HTTP/2', () => {
  it('is handed on byte for byte, with its length where that is known', async (context) => {
    const heads: unknown[] = [];
    for (const [fields, body] of [
      [[['content-length', '2']], 'hi'],
      [[['x', '\xe9']], 'hello'],
    ] as const) {
      const pool = await before(context, (connection, stream) =>
        connection.send(headers(stream, [...ok, ...fields], 0), data(stream, body, FrameFlag.endStream)),
      );
      const heard = await exchange(pool);
      assert.deepEqual([heard.status, heard.body, heard.failure], [200, body, undefined]);
      heads.push([heard.head!.majorVersion, heard.head!.bodyLength, heard.fields]);
    }
    assert.deepEqual(heads, [
      [2, 2, ['content-length', '2']],
      [2, -1, ['x', '\xe9']],
    ]);
  });

  it('has no body where it ends with its head, and where its status or HEAD forbid one', async (context) => {
    for (const [status, method, isEnded] of [
      ['200', 'GET', true],
      ['204', 'GET', true],
      ['304', 'GET', false],
      ['200', 'HEAD', true],
      ['200', 'HEAD', false],
    ] as const) {
      const fields = method === 'HEAD' ? [['content-length', '7'] as const] : [];
      const heard = await heardOf(
        context,
        (stream) => [
          headers(stream, [[':status', status], ...fields], isEnded ? FrameFlag.endStream : 0),
          ...(isEnded ? [] : [data(stream, '', FrameFlag.endStream)]),
        ],
        { ...get, method },
      );
      assert.deepEqual(
        [heard.status, heard.head?.bodyLength, heard.body, heard.failure],
        [Number(status), 0, '', undefined],
        `${method} ${status}`,
      );
      if (method === 'HEAD') assert.equal(heard.head?.contentLength, 7);
    }
  });

  it('may have trailers, and informational responses before it', async (context) => {
    const heard = await heardOf(context, (stream) => [
      headers(stream, [[':status', '100']], 0),
      headers(
        stream,
        [
          [':status', '103'],
          ['link', '</a>'],
        ],
        0,
      ),
      headers(stream, ok, 0),
      data(stream, 'hi'),
      headers(stream, [
        ['grpc-status', '0'],
        ['x', 'y'],
      ]),
    ]);
    assert.deepEqual([heard.informational, heard.body], [[100, 103], 'hi']);
    assert.deepEqual(heard.trailers, ['grpc-status', '0', 'x', 'y']);
  });

  it('is a protocol error when it is none', async (context) => {
    const end = FrameFlag.endStream;
    const cases: Record<string, (stream: number) => Buffer[]> = {
      'no status': (stream) => [headers(stream, [['x', 'y']])],
      'a status of nobody': (stream) => [headers(stream, [[':status', '600']])],
      'a status of two digits': (stream) => [headers(stream, [[':status', '20']])],
      'a status that is no number': (stream) => [headers(stream, [[':status', '2x0']])],
      'two statuses': (stream) => [headers(stream, [...ok, ...ok])],
      'a late status': (stream) => [headers(stream, [['x', 'y'], ...ok])],
      'another pseudo-header': (stream) => [headers(stream, [...ok, [':path', '/']])],
      '101': (stream) => [headers(stream, [[':status', '101']], 0), headers(stream, ok)],
      'an informational response that ends it': (stream) => [headers(stream, [[':status', '103']])],
      'too many informational responses': (stream) => [
        ...Array.from({ length: 17 }, () => headers(stream, [[':status', '103']], 0)),
        headers(stream, ok),
      ],
      'body before head': (stream) => [data(stream, 'hi', end)],
      'a connection field': (stream) => [headers(stream, [...ok, ['connection', 'close']])],
      'a transfer coding': (stream) => [headers(stream, [...ok, ['transfer-encoding', 'chunked']])],
      'a name in upper case': (stream) => [headers(stream, [...ok, ['X-A', 'y']])],
      'two lengths': (stream) => [
        headers(stream, [...ok, ['content-length', '2'], ['content-length', '3']], 0),
        data(stream, 'hi', end),
      ],
      'a length that is none': (stream) => [
        headers(stream, [...ok, ['content-length', '+2']], 0),
        data(stream, 'hi', end),
      ],
      'more than its length': (stream) => [
        headers(stream, [...ok, ['content-length', '1']], 0),
        data(stream, 'hi', end),
      ],
      'less than its length': (stream) => [
        headers(stream, [...ok, ['content-length', '3']], 0),
        data(stream, 'hi', end),
      ],
      'nothing of its length': (stream) => [headers(stream, [...ok, ['content-length', '3']])],
      'a body of 204': (stream) => [headers(stream, [[':status', '204']], 0), data(stream, 'hi', end)],
      'a status in its trailers': (stream) => [
        headers(stream, ok, 0),
        data(stream, 'hi'),
        headers(stream, ok),
      ],
      'trailers that do not end it': (stream) => [headers(stream, ok, 0), headers(stream, [['x', 'y']], 0)],
      'a head of more than 64 KiB': (stream) => [headers(stream, [...ok, ['x', 'y'.repeat(70_000)]])],
      'a head of too many fields': (stream) => [
        headers(stream, [...ok, ...Array.from({ length: 3000 }, (): [string, string] => ['x', 'y'])]),
      ],
    };
    const reasons: Record<string, unknown> = {};
    for (const [what, frames] of Object.entries(cases)) {
      const heard = await heardOf(context, frames);
      reasons[what] = heard.failure?.reason ?? [heard.status, heard.fields, heard.body];
    }
    assert.deepEqual(
      reasons,
      Object.fromEntries(Object.keys(cases).map((what) => [what, 'upstream_protocol_error'])),
    );
  });

  it('loses the blanks around its values, in its trailers too', async (context) => {
    const heard = await heardOf(context, (stream) => [
      headers(stream, [...ok, ['x-a', ' \tb c\t '], ['x-b', ' ']], 0),
      data(stream, 'hi'),
      headers(stream, [['x-c', ' d ']]),
    ]);
    assert.deepEqual(
      [heard.fields, heard.trailers],
      [
        ['x-a', 'b c', 'x-b', ''],
        ['x-c', 'd'],
      ],
    );
  });

  it('never hands on a value with a control byte', async (context) => {
    for (const value of ['a\r\nx-b: c', 'a\0b', 'a\nb', 'a\x7fb']) {
      const heard = await heardOf(context, (stream) => [headers(stream, [...ok, ['x-a', value]])]);
      assert.equal(heard.fields.includes('x-a'), false, JSON.stringify(value));
    }
  });

  it('is incomplete when its stream is reset, with whatever code, or its connection ends', async (context) => {
    const cuts: Record<string, (connection: FrameConnection, stream: number) => void> = {
      NO_ERROR: (connection, stream) => connection.send(reset(stream, ErrorCode.none)),
      CANCEL: (connection, stream) => connection.send(reset(stream, ErrorCode.cancel)),
      INTERNAL_ERROR: (connection, stream) => connection.send(reset(stream, ErrorCode.internal)),
      'end of the connection': (connection) => void connection.socket.end(),
      'reset of the connection': (connection) => void connection.socket.resetAndDestroy(),
    };
    for (const [what, cut] of Object.entries(cuts)) {
      for (const length of [[], [['content-length', '9']]] as [string, string][][]) {
        const pool = await before(context, (connection, stream) => {
          connection.send(headers(stream, [...ok, ...length], 0), data(stream, 'hi'));
          setTimeout(() => cut(connection, stream), 20);
        });
        const heard = await exchange(pool);
        assert.deepEqual(
          [heard.status, heard.body, heard.failure?.reason],
          [200, 'hi', 'upstream_reset'],
          what,
        );
      }
    }
  });

  it('is whole when its connection ends behind it, however slowly it is read', async (context) => {
    const body = patternOf(100_000);
    const pieces = Array.from({ length: 10 }, (_, at) => body.subarray(at * 10_000, (at + 1) * 10_000));
    const pool = await before(context, (connection, stream) => {
      connection.send(
        headers(stream, ok, 0),
        ...pieces.map((piece, at) => data(stream, piece, at === 9 ? FrameFlag.endStream : 0)),
      );
      connection.socket.end();
    });
    const { heard, sent: sending } = call(pool);
    heard.takes = () => {
      sending.pauseResponse();
      return false;
    };
    await until('the first piece', () => heard.body !== '');
    await until('the connection is gone', () => pool.connections === 0);
    for (let seen = -1; !heard.isOver; ) {
      assert.ok(heard.body.length > seen, 'one piece each time');
      seen = heard.body.length;
      sending.resumeResponse();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual([heard.failure, Buffer.from(heard.body, 'latin1').compare(body)], [undefined, 0]);
  });

  it('waits at the upstream while it is not wanted', async (context) => {
    const body = patternOf(2_000_000);
    const { pool, sessions } = await served(context, (stream) => {
      stream.respond();
      stream.end(body);
    });
    const { heard, sent: sending } = call(pool);
    let isHeld = true;
    heard.takes = () => {
      if (isHeld) sending.pauseResponse();
      return !isHeld;
    };
    await until('the first piece', () => heard.body !== '');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const taken = heard.body.length;
    assert.ok(taken <= 65_536, `${taken} bytes`);
    // Others on the same connection are not held up.
    assert.equal((await exchange(pool)).body.length, body.length);
    assert.equal(sessions.length, 1);
    assert.equal(heard.body.length, taken);
    isHeld = false;
    sending.resumeResponse();
    await until('the end', () => heard.isOver);
    assert.equal(Buffer.from(heard.body, 'latin1').compare(body), 0);
  });

  it('before the end of its request makes the rest of that needless, and leaves the connection in use', async (context) => {
    const upstream = await answeringUpstream(context, (connection, stream, index) => {
      connection.send(headers(stream, [[':status', index === 0 ? '413' : '200']]));
      if (index === 0) connection.send(reset(stream, ErrorCode.none));
    });
    const pool = http2Pool(context, upstream.port);
    const { heard, sent: sending } = call(pool, post);
    await until('the end', () => heard.isOver);
    assert.deepEqual([heard.status, heard.failure], [413, undefined]);
    assert.equal(sending.sendChunk(Buffer.alloc(50_000)), true);
    sending.endRequest();
    assert.equal((await exchange(pool)).status, 200);
    assert.equal(upstream.connections.length, 1);
    assert.equal(upstream.connections[0]!.of(FrameType.data, 1).length, 0);
  });

  it('that breaks nothing but itself leaves the other requests of the connection alone', async (context) => {
    const upstream = await answeringUpstream(context, (connection, stream, index) => {
      if (index === 1) connection.send(frame(FrameType.headers, 5, stream, block([[':status', 'x']])));
      if (index === 2) for (const each of [1, 5]) connection.send(headers(each, ok));
    });
    const pool = http2Pool(context, upstream.port);
    const calls = [call(pool), call(pool), call(pool)];
    await until('all ends', () => calls.every(({ heard }) => heard.isOver));
    assert.deepEqual(
      calls.map(({ heard }) => heard.failure?.reason ?? heard.status),
      [200, 'upstream_protocol_error', 200],
    );
    assert.equal(upstream.connections.length, 1);
  });
});
