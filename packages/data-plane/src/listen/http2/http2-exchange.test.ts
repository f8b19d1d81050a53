// Requests of HTTP/2 through a whole node, and what becomes of them there.

import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';

import { until } from '../../testing/http-client.ts';
import { hear, openSession } from '../../testing/http2-client.ts';
import {
  endpoints,
  gatewayItem,
  routeItem,
  type Serve,
  serviceItem,
  startNode,
  startUpstream,
} from '../../testing/node-fixture.ts';

async function started(context: TestContext, serve: Serve, init: Parameters<typeof gatewayItem>[0] = {}) {
  const upstream = await startUpstream(context, serve);
  const fixture = await startNode(context, {
    items: [gatewayItem(init), routeItem('r', '/'), serviceItem('r')],
    endpoints: [endpoints('r', [upstream.port])],
  });
  return { fixture, session: openSession(context, { port: fixture.port() }) };
}

/** Whether a count is above 0 and has been the same for many looks. */
function still(count: () => number): () => boolean {
  const looksMin = 40;
  let last = 0;
  let looks = 0;
  return () => {
    looks = count() === last ? looks + 1 : 0;
    last = count();
    return last > 0 && looks >= looksMin;
  };
}

describe('an exchange of HTTP/2', () => {
  it('goes upstream as HTTP/1.1, and is logged as what it was', async (context) => {
    let sent: string[] = [];
    const { fixture, session } = await started(
      context,
      (request, response) => {
        sent = [`${request.method} ${request.url} HTTP/${request.httpVersion}`, ...request.rawHeaders];
        response.end('hi');
      },
      { forwarding: { via: true } },
    );
    const fields = { ':path': '/a//b?c', ':authority': 'a.test', te: 'trailers', cookie: ['a=1', 'b=2'] };
    const heard = hear(session.request(fields));
    await until('the answer', () => heard.isEnded);
    assert.deepEqual([heard.status, heard.body], [200, 'hi']);
    assert.equal(sent[0], 'GET /a/b?c HTTP/1.1');
    assert.deepEqual(sent.slice(1, 5), ['host', 'a.test', 'cookie', 'a=1; b=2']);
    assert.deepEqual(sent.slice(-2), ['via', '2.0 causeway']);
    assert.equal(sent.includes('te'), false);
    await until('its record', () => fixture.records.length === 1);
    const [record] = fixture.records;
    assert.deepEqual(
      [record!.protocol, record!.status, record!.reason, record!.bytesOut],
      ['HTTP/2.0', 200, undefined, 2],
    );
  });

  it('brings uploads and downloads whole, many at a time', async (context) => {
    const { session } = await started(context, (request, response) => request.pipe(response));
    const body = 'x'.repeat(300_000);
    const all = Array.from({ length: 20 }, (_, index) => {
      const stream = session.request({ ':method': 'POST' });
      stream.end(body + index);
      return hear(stream);
    });
    await until('all answers', () => all.every(({ isEnded }) => isEnded));
    for (const [index, heard] of all.entries()) assert.ok(heard.body === body + index, `${index}`);
  });

  it('ends with an error when its upstream fails within the body', async (context) => {
    for (const length of [undefined, '100']) {
      const { fixture, session } = await started(context, (_request, response) => {
        if (length !== undefined) response.setHeader('content-length', length);
        response.write('half');
        setImmediate(() => response.destroy());
      });
      const stream = session.request({});
      const heard = hear(stream);
      await until('the end', () => heard.isClosed);
      assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
      await until('its record', () => fixture.records.length === 1);
      assert.equal(fixture.records[0]!.reason, 'upstream_reset');
      const next = hear(session.request({}));
      await until('the next answer', () => next.status === 200);
    }
  });

  it('ends at the upstream as soon as its client takes it back', async (context) => {
    let isAborted = false;
    let isAsked = false;
    const { fixture, session } = await started(context, (request) => {
      isAsked = true;
      request.on('error', () => {});
      request.on('close', () => {
        isAborted = true;
      });
    });
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    hear(stream);
    stream.write('x');
    await until('the request', () => isAsked);
    stream.close(constants.NGHTTP2_CANCEL);
    await until('the end at the upstream', () => isAborted);
    await until('its record', () => fixture.records.length === 1);
    assert.equal(fixture.records[0]!.reason, 'client_closed');
  });

  it('reads no more of its upstream than its client takes', async (context) => {
    let written = 0;
    const { session } = await started(context, (_request, response) => {
      const piece = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        do written += piece.length;
        while (response.write(piece) && written < 64 << 20);
      };
      response.on('drain', more);
      response.on('error', () => {});
      more();
    });
    const stream = session.request({});
    stream.on('error', () => {});
    stream.pause();
    // What the system's own buffers take is no matter of ours; it comes to an end.
    await until(
      'no more is read',
      still(() => written),
    );
    assert.ok(written < 32 << 20, `${written}`);
  });

  it('reads no more of its client than its upstream takes', async (context) => {
    const { session } = await started(context, () => {});
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    const piece = Buffer.alloc(65_536);
    let taken = 0;
    const more = (): void => {
      taken += piece.length;
      if (taken < 64 << 20) stream.write(piece, more);
    };
    more();
    await until(
      'no more is taken',
      still(() => taken),
    );
    assert.ok(taken < 32 << 20, `${taken}`);
    const other = hear(session.request({ ':path': '/%zz' }));
    await until('another request', () => other.isEnded);
    assert.equal(other.status, 400);
  });

  it('is refused in the vocabulary of all refusals', async (context) => {
    const { fixture, session } = await started(context, () => {});
    for (const [fields, status, reason] of [
      [{ ':method': 'TRACE' }, 501, 'not_implemented'],
      [{ ':path': '/a%00' }, 400, 'bad_request'],
      [{ 'x-big': 'y'.repeat(33_000) }, 431, 'head_too_large'],
    ] as const) {
      const own = openSession(context, { port: fixture.port() });
      const heard = hear(own.request(fields));
      await until('the answer', () => heard.isEnded);
      assert.deepEqual([heard.status, JSON.parse(heard.body).reason], [status, reason]);
    }
    const upload = session.request(
      { ':method': 'POST', 'content-length': String(200 << 20) },
      { endStream: false },
    );
    const heard = hear(upload);
    await until('the answer', () => heard.isEnded);
    assert.deepEqual([heard.status, JSON.parse(heard.body).reason], [413, 'payload_too_large']);
    const next = hear(session.request({ ':path': '/%zz' }));
    await until('the connection goes on', () => next.status === 400);
  });

  it('survives the drain of its node, and what comes while its client is told', async (context) => {
    let answer = (): void => {};
    const { fixture, session } = await started(context, (request, response) => {
      if (request.url === '/slow') answer = () => void response.end('slow');
      else response.end('fast');
    });
    const slow = hear(session.request({ ':path': '/slow' }));
    let isTold = false;
    session.on('goaway', () => {
      isTold = true;
    });
    const before = answer;
    await until('the request', () => answer !== before);
    const drained = fixture.node.drain(0);
    const racing = hear(session.request({ ':path': '/racing' }));
    await until('the notice', () => isTold);
    answer();
    await drained;
    await until('the ends', () => slow.isClosed && racing.isClosed);
    assert.deepEqual([slow.body, racing.body], ['slow', 'fast']);
  });

  it('takes 100 streams where the snapshot is of a control plane that did not know the limit', async (context) => {
    const { session } = await started(context, () => {}, { limits: { streamsMax: 0 } as never });
    await until('the settings', () => session.remoteSettings?.maxConcurrentStreams === 100);
  });

  it('takes one of the streams that its Gateway allows', async (context) => {
    const { fixture, session } = await started(context, () => {}, { limits: { streamsMax: 3 } as never });
    await until('the settings', () => session.remoteSettings?.maxConcurrentStreams === 3);
    assert.equal(fixture.node.counts.open, 1);
    session.destroy();
    await until('no connection', () => fixture.node.counts.open === 0);
  });
});
