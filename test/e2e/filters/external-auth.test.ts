// Another Service that decides who may pass: what it is told, what it can say, and what happens when it says nothing.

import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { it } from 'node:test';
import { request } from 'undici';
import { startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';
import { startExtAuthz } from '../../kit/upstreams/ext-authz.ts';
import { listen } from '../../kit/upstreams/listen.ts';

it('externalAuth asks before it lets pass', async (t) => {
  const asked: { url: string | undefined; headers: IncomingHttpHeaders }[] = [];
  const judge = await listen(
    t,
    createServer((incoming, response) => {
      asked.push({ url: incoming.url, headers: incoming.headers });
      const who = incoming.headers.authorization;
      // Nobody ever answers these.
      if (who === 'hang') return;
      if (who === 'break') return void response.socket?.destroy();
      if (who === 'alice') response.writeHead(200, { 'x-user': 'alice', 'x-internal': '1' }).end();
      else
        response.writeHead(302, { location: 'https://login.example.com/', 'x-internal': '1' }).end('sign in');
    }),
  );
  const echo = await startEcho(t);
  const filter = { service: 'judge', upstreamHeaders: ['x-user'], timeout: '300ms' };
  const { nodes } = await startSystem(t, {
    resources: [
      gateway(),
      service('judge', [judge]),
      service('echo', [echo.port]),
      route('all', '/', 'echo', { filters: [{ externalAuth: filter }] }),
      route('lax', '/lax', 'echo', { filters: [{ externalAuth: { ...filter, onFailure: 'allow' } }] }),
    ],
  });
  const port = await nodes[0]!.trafficPort();
  const ask = async (path: string, who: string | undefined, body?: string) => {
    const headers = { 'x-user': 'root', ...(who !== undefined && { authorization: who }) };
    const options = {
      method: body === undefined ? ('GET' as const) : ('POST' as const),
      headers,
      ...(body !== undefined && { body }),
    };
    const answer = await request(`http://127.0.0.1:${port}${path}`, options);
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };

  const passed = await ask('/orders?a=1', 'alice', 'x'.repeat(100_000));
  const seen = JSON.parse(passed.text) as Echo;
  const users = seen.headers
    .filter(([name]) => name.toLowerCase().startsWith('x-user'))
    .map(([, value]) => value);
  assert.deepEqual([passed.status, users, seen.bodyBytes], [200, ['alice'], 100_000]);
  const { url, headers } = asked[0]!;
  assert.deepEqual(
    [url, headers['x-forwarded-method'], headers['x-forwarded-uri'], headers['x-forwarded-for']],
    ['/orders?a=1', 'POST', '/orders?a=1', '127.0.0.1'],
  );

  const refused = await ask('/', undefined);
  assert.deepEqual(
    [refused.status, refused.headers['location'], refused.headers['x-internal'], refused.text],
    [302, 'https://login.example.com/', undefined, 'sign in'],
  );
  for (const who of ['hang', 'break']) {
    const denied = await ask('/', who);
    assert.deepEqual([denied.status, JSON.parse(denied.text).reason], [503, 'auth_unavailable'], who);
    assert.equal((await ask('/lax', who)).status, 200, who);
  }
  assert.equal(echo.requests, 3);
});

it('externalAuth asks by gRPC and with bodies', async (t) => {
  const bodies: string[] = [];
  const judge = await startExtAuthz(t, ({ attributes }) => {
    const { headers, rawBody, path } = attributes!.request!.http!;
    bodies.push(Buffer.from(rawBody).toString());
    if (headers['authorization'] === 'hang') return undefined;
    if (headers['authorization'] !== 'alice')
      return {
        status: { code: 16 },
        httpResponse: {
          case: 'deniedResponse',
          value: {
            status: { code: 401 },
            headers: [{ header: { key: 'WWW-Authenticate', value: `Basic realm="${path}"` } }],
            body: 'who?',
          },
        },
      };
    const value = {
      headers: [{ header: { key: 'x-user', value: 'alice' } }],
      headersToRemove: ['authorization'],
    };
    return { httpResponse: { case: 'okResponse', value } };
  });
  const webJudge = await listen(
    t,
    createServer((incoming, response) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
      incoming.on('end', () => {
        bodies.push(`${incoming.method} ${incoming.headers['content-type']} ${body}`);
        response.writeHead(body.includes('bad') ? 403 : 204).end();
      });
    }),
  );
  const echo = await startEcho(t);
  const byGrpc = { service: 'judge', protocol: 'grpc', upstreamHeaders: ['x-user'], timeout: '300ms' };
  const { nodes, admin } = await startSystem(t, {
    resources: [
      gateway(),
      service('judge', [judge], { protocol: 'h2c' }),
      service('web', [webJudge]),
      service('echo', [echo.port]),
      route('all', '/', 'echo', { filters: [{ externalAuth: { ...byGrpc, maxBodySize: '1KiB' } }] }),
      route('web', '/web', 'echo', { filters: [{ externalAuth: { service: 'web', maxBodySize: '1KiB' } }] }),
    ],
  });
  const wrong = await admin.call('POST', 'apply', {
    body: JSON.stringify({ apiVersion: 'causeway/v1', ...service('judge', [judge]) }),
  });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /route\/default\/all .*is HTTP\/1\.1, and gRPC is not/);
  const port = await nodes[0]!.trafficPort();
  const ask = async (path: string, authorization: string, body: string) => {
    const headers = { authorization, 'x-user': 'root', 'content-type': 'text/x' };
    const answer = await request(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };

  const passed = await ask('/orders', 'alice', 'order');
  const { headers, bodyBytes } = JSON.parse(passed.text) as Echo;
  const told = headers.filter(([name]) => ['x-user', 'authorization'].includes(name.toLowerCase()));
  assert.deepEqual([passed.status, told, bodyBytes, bodies], [200, [['x-user', 'alice']], 5, ['order']]);
  const refused = await ask('/orders', 'bob', '');
  assert.deepEqual(
    [refused.status, refused.headers['www-authenticate'], refused.text],
    [401, 'Basic realm="/orders"', 'who?'],
  );
  assert.equal((await ask('/', 'hang', '')).status, 503);
  assert.equal((await ask('/', 'alice', 'x'.repeat(2000))).status, 413);

  assert.equal((await ask('/web', '', 'good')).status, 200);
  assert.equal((await ask('/web', '', 'bad')).status, 403);
  assert.deepEqual(bodies.slice(-2), ['POST text/x good', 'POST text/x bad']);
});
