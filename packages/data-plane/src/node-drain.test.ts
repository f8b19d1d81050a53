import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  endpoints,
  gatewayItem,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from './testing/node-fixture.ts';
import { handshakeText, tunnelUpstream } from './testing/tunnel-ends.ts';
import { ask, askHead, keepAliveAgent, openSocket, readToEnd, until } from './testing/http-client.ts';

const timeouts = {
  requestHeadMs: 10_000,
  requestBodyIdleMs: 10_000,
  keepAliveMs: 10_000,
  drainDelayMs: 0,
  drainMs: 200,
};

describe('drain', () => {
  it('says so at once, accepts for the delay, then closes idle connections and refuses new ones', async (context) => {
    const upstream = await startUpstream(context, (_request, response) => response.end('ok'));
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const { node } = fixture;
    const port = fixture.port();
    assert.equal(node.isDraining, false);
    const agent = keepAliveAgent(context);
    assert.equal((await ask({ port, agent })).headers.connection, undefined);
    const idle = await openSocket(context, port);
    const drained = node.drain(300);
    assert.equal(node.isDraining, true);
    assert.equal((await ask({ port, agent })).headers.connection, 'close');
    assert.equal((await ask({ port })).body, 'ok');
    assert.equal(await readToEnd(idle), '');
    await assert.rejects(ask({ port }), { code: 'ECONNREFUSED' });
    await drained;
    assert.equal(node.counts.open, 0);
  });

  it('lets requests under way end', async (context) => {
    const gate = Promise.withResolvers<void>();
    const upstream = await startUpstream(context, async (_request, response) => {
      await gate.promise;
      response.end('late');
    });
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const asked = ask({ port: fixture.port(), agent: keepAliveAgent(context) });
    await until('the request is under way', () => fixture.node.activeRequests === 1);
    const drained = fixture.node.drain();
    await until('the ports are closed', () => fixture.node.isDraining);
    gate.resolve();
    const { body, headers } = await asked;
    assert.deepEqual([body, headers.connection], ['late', 'close']);
    await drained;
  });

  it('ends a connection whose answer had begun before, once that is complete', async (context) => {
    const gate = Promise.withResolvers<void>();
    const upstream = await startUpstream(context, async (_request, response) => {
      response.write('early ');
      await gate.promise;
      response.end('late');
    });
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const socket = await openSocket(context, fixture.port());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const received = readToEnd(socket);
    await until('the request is under way', () => fixture.node.activeRequests === 1);
    const drained = fixture.node.drain();
    gate.resolve();
    assert.match(await received, /early [^]*late\r\n0\r\n\r\n$/);
    await drained;
  });

  it('cuts what takes longer than the Gateway allows', async (context) => {
    const upstream = await startUpstream(context, (_request, response) => response.write('for ever'));
    const fixture = await startNode(context, {
      items: [gatewayItem({ timeouts }), routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const response = await askHead({ port: fixture.port() });
    response.resume();
    const closed = Promise.withResolvers<string>();
    response.on('error', (error) => closed.resolve(error.message));
    const beganMs = performance.now();
    await fixture.node.drain();
    assert.equal(await closed.promise, 'aborted');
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs >= 190 && tookMs < 15_000, String(tookMs));
    await until('the exchange is over', () => fixture.node.activeRequests === 0);
  });

  it('opens no port any more for an update that comes late', async (context) => {
    const fixture = await startNode(context, { items: [routeItem('r', '/')] });
    await fixture.node.drain(0);
    assert.deepEqual(await fixture.apply({ items: [routeItem('r', '/moved')] }), []);
    assert.equal(fixture.node.listenerPort('http'), undefined);
  });

  it('has told of all that it cuts when it is over: of requests, records and WebSockets', async (context) => {
    const upstream = await startUpstream(context, (request, response) => {
      if (request.url === '/silent') return;
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{}\n');
    });
    // It agrees, and never answers a close frame.
    const chat = await tunnelUpstream(context);
    const fixture = await startNode(context, {
      items: [
        gatewayItem({ timeouts }),
        routeItem('r', '/'),
        serviceItem('r'),
        routeItem('chat', '/chat'),
        serviceItem('chat'),
      ],
      endpoints: [endpoints('r', [upstream.port]), endpoints('chat', [chat.port])],
    });
    const paths = ['/silent', '/records'];
    const asked = paths.map(async (path) => ask({ port: fixture.port(), path }).catch(() => {}));
    const socket = await openSocket(context, fixture.port());
    socket.write(handshakeText('/chat'));
    await until('all are there', () => {
      const { webSockets, records } = fixture.node.streams.counts;
      return fixture.node.activeRequests === 2 && webSockets === 1 && records === 1;
    });
    await fixture.node.drain();
    const told = new Set(fixture.records.map(({ path, ended }) => `${path} ${ended ?? '-'}`));
    assert.deepEqual(told, new Set(['/chat drained', '/records drained', '/silent -']));
    assert.equal(fixture.records.length, 3);
    await Promise.all(asked);
  });

  it('tells streams that they end also when it gives them no time', async (context) => {
    const upstream = await startUpstream(context, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    });
    const chat = await tunnelUpstream(context);
    const fixture = await startNode(context, {
      items: [
        gatewayItem({ timeouts: { ...timeouts, drainMs: 0 } }),
        routeItem('r', '/'),
        serviceItem('r'),
        routeItem('chat', '/chat'),
        serviceItem('chat'),
      ],
      endpoints: [endpoints('r', [upstream.port]), endpoints('chat', [chat.port])],
    });
    const [webSocket, events] = [
      await openSocket(context, fixture.port()),
      await openSocket(context, fixture.port()),
    ];
    webSocket.write(handshakeText('/chat'));
    events.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    const received = [readToEnd(webSocket), readToEnd(events)];
    await until('both are there', () => {
      const { counts } = fixture.node.streams;
      return counts.webSockets === 1 && counts.events === 1;
    });
    await fixture.node.drain();
    const [closed, ended] = await Promise.all(received);
    assert.match(closed!, /the gateway is going away$/);
    assert.match(ended!, /retry: \d{4}\n\n\r\n0\r\n\r\n$/);
    assert.deepEqual(
      fixture.records.map(({ ended: why }) => why),
      ['drained', 'drained'],
    );
  });
});
