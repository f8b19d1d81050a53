// Limits and time limits as clients meet them, each with the metric that tells an operator of it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { type Metrics, scrape } from '../../kit/metrics.ts';
import { OwnScope, type Owner } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { type RawClient, rawConnect } from '../../kit/raw-client.ts';
import { headerValues } from '../../kit/raw-message.ts';
import type { RawResponse } from '../../kit/raw-response.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { type EchoUpstream, startEcho } from '../../kit/upstreams/echo.ts';
import { type SlowUpstream, startSlow } from '../../kit/upstreams/slow.ts';
import { startStream } from '../../kit/upstreams/stream.ts';

/** Small, so that each can be reached, and different, so that each can be told. */
const timeouts = { requestHead: '1s', requestBodyIdle: '2s', keepAlive: '1500ms' };
const limits = {
  maxHeadSize: '8KiB',
  maxHeaders: 20,
  maxTargetSize: '1KiB',
  maxBodySize: '10KiB',
  maxRequestsPerConnection: 3,
  minBytesPerSecond: 1_000_000,
};
const head = (line: string, fields = ''): string => `${line} HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n`;
const lengthOf = (bytes: number): string => `content-length: ${bytes}\r\n`;
/** A head of exactly so many bytes. */
const headOf = (bytes: number): string => {
  const fixed = head('GET /echo', 'x: \r\n').length;
  return head('GET /echo', `x: ${'x'.repeat(bytes - fixed)}\r\n`);
};

function reasonOf({ status, body }: RawResponse): unknown[] {
  if (status < 400) return [status];
  return [status, (JSON.parse(body.toString()) as { reason: string }).reason];
}

describe('limits', { concurrency: true }, () => {
  const scope = new OwnScope();
  let system: System;
  let port: number;
  let echo: EchoUpstream;
  let never: SlowUpstream;

  before(async () => {
    echo = await startEcho(scope);
    never = await startSlow(scope, { headDelayMs: 3_600_000 });
    const trickle = await startSlow(scope, { byteIntervalMs: 100, bodyBytes: 1000 });
    const stream = await startStream(scope, 100);
    system = await startSystem(scope, {
      resources: [
        gateway({ timeouts, limits }),
        service('echo', [echo.port]),
        service('never', [never.port], { pool: { maxConnections: 2, maxWaiting: 1 } }),
        service('late', [never.port]),
        service('trickle', [trickle.port]),
        service('stream', [stream.port]),
        route('echo', '/echo', 'echo'),
        route('roomy', '/roomy', 'echo', { limits: { maxBodySize: '20KiB' } }),
        route('never', '/never', 'never'),
        route('one', '/one', 'never', { limits: { maxActiveRequests: 1 } }),
        route('head', '/head', 'late', { timeouts: { responseHead: '1s' } }),
        route('whole', '/whole', 'trickle', { timeouts: { request: '1s' } }),
        route('stream', '/stream', 'stream'),
      ],
    });
    port = await system.nodes[0]!.trafficPort();
  });
  after(() => scope.end());

  /** The answer to a request on a connection of its own. */
  async function answerTo(owner: Owner, bytes: string): Promise<RawResponse> {
    const client = await rawConnect(owner, port);
    await client.send(bytes);
    return client.readResponse();
  }

  async function untilCounted(what: string, until: (metrics: Metrics) => boolean): Promise<Metrics> {
    return eventually(() => scrape(system.nodes[0]!), { what, until });
  }

  const timedOut = (metrics: Metrics, limit: string): number =>
    metrics.value('causeway_client_timeouts_total', { limit });

  it('of heads: at and over their size, the number of their fields, and the target', async (t) => {
    const statusTo = async (bytes: string): Promise<unknown[]> => reasonOf(await answerTo(t, bytes));
    assert.deepEqual(await statusTo(headOf(8192)), [200]);
    assert.deepEqual(await statusTo(headOf(8193)), [431, 'head_too_large']);
    const fields = (count: number): string => head('GET /echo', 'x: y\r\n'.repeat(count - 1));
    assert.deepEqual(await statusTo(fields(20)), [200]);
    assert.deepEqual(await statusTo(fields(21)), [431, 'head_too_large']);
    const target = (bytes: number): string => head(`GET /echo/${'x'.repeat(bytes - 6)}`);
    assert.deepEqual(await statusTo(target(1024)), [200]);
    assert.deepEqual(await statusTo(target(1025)), [414, 'uri_too_long']);
    await untilCounted('three are counted', (metrics) => {
      const of = (reason: string): number => metrics.sum('causeway_requests_total', { reason });
      return of('head_too_large') === 2 && of('uri_too_long') === 1;
    });
  });

  it('of bodies: the one of the Gateway, and the one of a Route in its place', async (t) => {
    const statusTo = async (path: string, bytes: number): Promise<unknown[]> =>
      reasonOf(await answerTo(t, head(`POST ${path}`, lengthOf(bytes)) + 'x'.repeat(bytes)));
    assert.deepEqual(await statusTo('/echo', 10_240), [200]);
    assert.deepEqual(await statusTo('/echo', 10_241), [413, 'payload_too_large']);
    assert.deepEqual(await statusTo('/roomy', 20_480), [200]);
    assert.deepEqual(await statusTo('/roomy', 20_481), [413, 'payload_too_large']);
  });

  it('of requests on a connection: the last one is told so', async (t) => {
    const client = await rawConnect(t, port);
    await client.send(head('GET /echo').repeat(4));
    const said: string[][] = [];
    for (let request = 0; request < 3; request += 1)
      said.push(headerValues(await client.readResponse(), 'connection'));
    assert.deepEqual(said, [[], [], ['close']]);
    assert.equal(await client.closed(), 'end');
    assert.equal(client.unread.length, 0);
  });

  it('of the time for a head: 408, and nothing to a client that says nothing', async (t) => {
    const [slow, silent] = [await rawConnect(t, port), await rawConnect(t, port)];
    await slow.send('GET /echo HTTP/1.1\r\nhost');
    assert.deepEqual(reasonOf(await slow.readResponse()), [408, 'request_timeout']);
    await Promise.all([slow.closed(), silent.closed()]);
    assert.equal(silent.unread.length, 0);
    await untilCounted('both are counted', (metrics) => timedOut(metrics, 'requestHead') >= 2);
  });

  it('of the time between requests: the connection ends without a word', async (t) => {
    const client = await rawConnect(t, port);
    await client.send(head('GET /echo'));
    assert.equal((await client.readResponse()).status, 200);
    assert.equal(await client.closed(), 'end');
    assert.equal(client.unread.length, 0);
    await untilCounted('it is counted', (metrics) => timedOut(metrics, 'keepAlive') >= 1);
  });

  it('of the time between the bytes of a body: 408', async (t) => {
    const answer = await answerTo(t, `${head('POST /echo', lengthOf(10))}hello`);
    assert.deepEqual(reasonOf(answer), [408, 'request_timeout']);
  });

  it('of the rate of an upload: 408 after 5 s of grace', async (t) => {
    const client = await rawConnect(t, port);
    await client.send(head('POST /echo', lengthOf(10_000)));
    const dripping = setInterval(() => void client.send('x').catch(() => {}), 250);
    t.after(() => clearInterval(dripping));
    assert.deepEqual(reasonOf(await client.readResponse()), [408, 'request_timeout']);
  });

  it('of the rate of a download: cut after 5 s of grace, in which the client took nothing', async (t) => {
    const earlier = (await scrape(system.nodes[0]!)).sum('causeway_requests_total', {
      route: 'default/stream',
    });
    const client = await rawConnect(t, port);
    client.pause();
    await client.send(head('GET /stream'));
    const metrics = await untilCounted(
      'it is cut',
      (now) => now.sum('causeway_requests_total', { route: 'default/stream' }) > earlier,
    );
    assert.equal(
      metrics.sum('causeway_requests_total', { route: 'default/stream', reason: 'request_timeout' }),
      1,
    );
    client.resume();
    await client.closed();
    assert.ok(client.unread.length > 0, 'a part of it had arrived');
  });

  it('of the time of an upstream: 504, or a cut when the head is out', async (t) => {
    assert.deepEqual(reasonOf(await answerTo(t, head('GET /head'))), [504, 'upstream_timeout']);
    const client = await rawConnect(t, port);
    await client.send(head('GET /whole'));
    await client.closed();
    assert.match(client.unread.toString('latin1'), /^HTTP\/1\.1 200 OK/);
    await untilCounted(
      'both are counted',
      (metrics) =>
        metrics.sum('causeway_requests_total', { reason: 'upstream_timeout', code: '504' }) === 1 &&
        metrics.sum('causeway_requests_total', { reason: 'upstream_timeout', code: '200' }) === 1,
    );
  });

  it('of the connections to an endpoint and of who waits for one: 503 with Retry-After', async (t) => {
    const clients: RawClient[] = [];
    for (let request = 0; request < 3; request += 1) {
      const client = await rawConnect(t, port);
      await client.send(head('GET /never'));
      clients.push(client);
    }
    const labels = { service: 'default/never' };
    await untilCounted(
      'two are sent and one waits',
      (metrics) =>
        metrics.sum('causeway_upstream_connections', labels) === 2 &&
        metrics.sum('causeway_upstream_waiting_requests', labels) === 1 &&
        metrics.sum('causeway_upstream_active_requests', labels) === 3,
    );
    const answer = await answerTo(t, head('GET /never'));
    assert.deepEqual([...reasonOf(answer), headerValues(answer, 'retry-after')], [503, 'overloaded', ['1']]);
    for (const client of clients) client.reset();
    const metrics = await untilCounted(
      'all places are free',
      (now) => now.sum('causeway_upstream_active_requests', labels) === 0,
    );
    assert.ok(metrics.value('causeway_upstream_pool_events_total', { event: 'refused' }) >= 1);
    assert.ok(metrics.value('causeway_upstream_pool_events_total', { event: 'opened' }) >= 2);
  });

  it('that are about to be held are shown: how long the event loop was busy', async () => {
    const metrics = await scrape(system.nodes[0]!);
    const delays = ['0.5', '0.99', '1'].map((quantile) =>
      metrics.value('causeway_event_loop_delay_seconds', { quantile }),
    );
    const [median = -1, p99 = -1, max = -1] = delays;
    assert.ok(median >= 0 && median <= p99 && p99 <= max && max < 60, delays.join());
  });
});

describe('limits of a Gateway', () => {
  it('of connections, in all and of one address: the next one is closed at once, and counted', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t, {
      resources: [
        gateway({ limits: { maxConnections: 2 } }),
        service('echo', [echo.port]),
        route('echo', '/', 'echo'),
      ],
    });
    const [node] = system.nodes;
    const port = await node!.trafficPort();
    const refused = async (limit: string): Promise<number> =>
      (await scrape(node!)).value('causeway_connections_refused_total', { limit });
    const ask = async (client: RawClient): Promise<number> => {
      await client.send(head('GET /'));
      return (await client.readResponse()).status;
    };
    const kept = [await rawConnect(t, port), await rawConnect(t, port)];
    for (const client of kept) assert.equal(await ask(client), 200);
    assert.equal((await scrape(node!)).value('causeway_connections'), 2);
    const third = await rawConnect(t, port);
    await third.closed();
    assert.deepEqual([await refused('maxConnections'), await refused('maxConnectionsPerAddress')], [1, 0]);
    for (const client of kept) assert.equal(await ask(client), 200);
    await system.apply([gateway({ limits: { maxConnections: 100, maxConnectionsPerAddress: 3 } })]);
    const fourth = await rawConnect(t, port);
    assert.equal(await ask(fourth), 200);
    const fifth = await rawConnect(t, port);
    await fifth.closed();
    assert.deepEqual([await refused('maxConnections'), await refused('maxConnectionsPerAddress')], [1, 1]);
    kept[0]!.reset();
    await eventually(async () => (await scrape(node!)).value('causeway_connections'), {
      what: 'one is gone',
      until: (now) => now === 2,
    });
    assert.equal(await ask(await rawConnect(t, port)), 200);
  });

  it('of requests at once, its own and those of a Route: 503 with Retry-After', async (t) => {
    const never = await startSlow(t, { headDelayMs: 3_600_000 });
    const limited = { limits: { maxActiveRequests: 1 } };
    const system = await startSystem(t, {
      resources: [
        gateway({ limits: { maxActiveRequests: 3 } }),
        service('never', [never.port]),
        route('one', '/one', 'never', limited),
        route('any', '/any', 'never'),
      ],
    });
    const port = await system.nodes[0]!.trafficPort();
    const send = async (path: string): Promise<RawClient> => {
      const client = await rawConnect(t, port);
      await client.send(head(`GET ${path}`));
      return client;
    };
    const overloaded = async (path: string): Promise<void> => {
      const answer = await (await send(path)).readResponse();
      assert.deepEqual(
        [...reasonOf(answer), headerValues(answer, 'retry-after')],
        [503, 'overloaded', ['1']],
      );
    };
    const first = await send('/one');
    await eventually(() => never.started, { what: 'it is under way', until: (n) => n === 1 });
    await overloaded('/one');
    await send('/any');
    await send('/any');
    await eventually(() => never.started, { what: 'three are under way', until: (n) => n === 3 });
    await overloaded('/any');
    first.reset();
    await eventually(() => never.aborted, { what: 'one is gone', until: (n) => n === 1 });
    await send('/one');
    await eventually(() => never.started, { what: 'its place is taken', until: (n) => n === 4 });
  });

  it('take effect for open connections when they change', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t, {
      resources: [gateway(), service('echo', [echo.port]), route('echo', '/', 'echo')],
    });
    const client = await rawConnect(t, await system.nodes[0]!.trafficPort());
    await client.send(head('GET /'));
    assert.deepEqual(headerValues(await client.readResponse(), 'connection'), []);
    await system.apply([gateway({ limits: { maxRequestsPerConnection: 2, maxBodySize: '1KiB' } })]);
    await client.send(head('POST /', lengthOf(1025)) + 'x'.repeat(1025));
    const answer = await client.readResponse();
    assert.deepEqual(
      [...reasonOf(answer), headerValues(answer, 'connection')],
      [413, 'payload_too_large', ['close']],
    );
  });
});

describe('a Service whose endpoint has a host name', () => {
  it('is reached by its address, and gets the Host of the client', async (t) => {
    const echo = await startEcho(t);
    const endpoints = [{ address: 'localhost', port: echo.port }];
    const system = await startSystem(t, {
      resources: [
        gateway(),
        { kind: 'Service', metadata: { name: 'named' }, spec: { endpoints } },
        route('named', '/named', 'named'),
      ],
    });
    const port = await system.nodes[0]!.trafficPort();
    const statusOf = async (path: string): Promise<unknown[]> => {
      const client = await rawConnect(t, port);
      await client.send(head(`GET ${path}`));
      return reasonOf(await client.readResponse());
    };
    assert.deepEqual(await statusOf('/named'), [200]);
    await system.apply([
      {
        kind: 'Service',
        metadata: { name: 'nobody' },
        spec: { endpoints: [{ address: 'nobody.invalid', port: 1 }] },
      },
      route('nobody', '/nobody', 'nobody'),
    ]);
    assert.deepEqual(await statusOf('/nobody'), [503, 'no_healthy_endpoint']);
    assert.deepEqual(await statusOf('/named'), [200]);
  });
});
