// Tokens on a whole system: their issuer over HTTP, keys that change, and what upstreams are told of their bearers.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { secretToken } from '@causeway/filters/testing/tokens';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import type { DataPlaneNode, System } from '../../kit/processes.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';
import { type Issuer, startIssuer } from '../../kit/upstreams/issuer.ts';
import { startWebSocket } from '../../kit/upstreams/websocket.ts';
import { openWebSocket } from '../../kit/websocket-client.ts';

const secret = 'a shared secret of more than thirty-two bytes';

function provider(name: string, issuer: string, spec: object = {}): Resource {
  return {
    kind: 'AuthProvider',
    metadata: { name },
    spec: {
      issuer,
      audiences: ['api'],
      algorithms: ['ES256'],
      claimHeaders: { 'x-user-id': 'sub' },
      ...spec,
    },
  };
}

interface Answer {
  readonly status: number;
  readonly challenge: unknown;
  readonly body: Record<string, unknown>;
  header(name: string): string | undefined;
}

describe('tokens', () => {
  const owner = new OwnScope();
  let system: System;
  let node: DataPlaneNode;
  let port: number;
  let issuer: Issuer;

  before(async () => {
    issuer = await startIssuer(owner);
    const [echo, sockets] = [await startEcho(owner), await startWebSocket(owner)];
    const jwt = { providers: ['corp'] };
    const keys = [{ kty: 'oct', alg: 'HS256', k: { secret: 'shared', key: 'hs' } }];
    system = await startSystem(owner, {
      resources: [
        gateway({ filters: [{ name: 'auth', jwt }] }),
        provider('corp', issuer.url, { leeway: '0s' }),
        provider('partner', 'https://partner.test/', { algorithms: ['HS256'], jwks: { keys } }),
        provider('away', 'http://127.0.0.1:1', { refresh: { timeout: '1s' } }),
        { kind: 'Secret', metadata: { name: 'shared' }, spec: { data: { hs: secret } } },
        service('echo', [echo.port]),
        service('sockets', [sockets.port]),
        route('all', '/', 'echo'),
        route('open', '/open', 'echo', { filters: [{ name: 'auth', disabled: true }] }),
        route('shadow', '/shadow', 'echo', { filters: [{ name: 'auth', enforcement: 'shadow', jwt }] }),
        route('writers', '/writers', 'echo', {
          filters: [{ name: 'auth', jwt: { ...jwt, scopes: ['write'] } }],
        }),
        route('partner', '/partner', 'echo', {
          filters: [{ name: 'auth', jwt: { providers: ['partner'] } }],
        }),
        route('away', '/away', 'echo', { filters: [{ name: 'auth', jwt: { providers: ['away'] } }] }),
        route('chat', '/chat', 'sockets'),
      ],
    });
    node = system.nodes[0]!;
    port = await node.trafficPort();
  });

  after(() => owner.end());

  async function ask(path: string, token?: string, headers: Record<string, string> = {}): Promise<Answer> {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const {
      statusCode: status,
      headers: fields,
      body,
    } = await request(`http://127.0.0.1:${port}${path}`, {
      headers: { ...authorization, ...headers },
    });
    const json = (await body.json()) as Record<string, unknown>;
    const seen = (json as unknown as Echo).headers ?? [];
    const header = (name: string): string | undefined =>
      seen.find(([each]) => each.toLowerCase() === name)?.[1];
    return { status, challenge: fields['www-authenticate'], body: json, header };
  }

  it('let their bearers in, and upstreams learn who they are from the gateway alone', async () => {
    const forged = { 'x-user-id': 'root', 'x-consumer-name': 'root', 'x-consumer-groups': 'admin' };
    const answer = await ask('/', await issuer.sign({ groups: ['gold'] }), forged);
    assert.equal(answer.status, 200);
    assert.deepEqual(
      ['x-user-id', 'x-consumer-name', 'x-consumer-groups'].map((name) => answer.header(name)),
      ['alice', 'corp/alice', 'gold'],
    );
  });

  it('are asked for, and bad ones are refused with the reason', async () => {
    const none = await ask('/');
    assert.deepEqual(
      [none.status, none.body['reason'], none.challenge],
      [401, 'unauthenticated', 'Bearer realm="causeway"'],
    );
    const late = await ask('/', await issuer.sign({ exp: 1 }));
    assert.equal(late.status, 401);
    assert.match(
      String(late.challenge),
      /error="invalid_token", error_description="The token has expired\."/,
    );
    const narrow = await ask('/writers', await issuer.sign({ scope: 'read' }));
    assert.deepEqual([narrow.status, narrow.body['reason']], [403, 'forbidden']);
    assert.match(String(narrow.challenge), /insufficient_scope/);
    assert.equal((await ask('/writers', await issuer.sign({ scope: 'read write' }))).status, 200);
  });

  it('are not asked for where the filter of the Gateway is removed', async () => {
    assert.equal((await ask('/open')).status, 200);
  });

  it('of a secret that stands in a Secret are taken, and none of the others there', async () => {
    const claims = {
      iss: 'https://partner.test/',
      aud: 'api',
      sub: 'p1',
      exp: Math.floor(Date.now() / 1000) + 60,
    };
    const good = await ask('/partner', secretToken(secret, claims));
    assert.deepEqual([good.status, good.header('x-consumer-name')], [200, 'partner/p1']);
    assert.equal((await ask('/partner', secretToken(`${secret}!`, claims))).status, 401);
    assert.equal((await ask('/partner', await issuer.sign())).status, 401);
  });

  it('cannot be judged while their issuer has never been heard of: that is 503, not 401', async () => {
    const answer = await ask('/away', await issuer.sign());
    assert.deepEqual([answer.status, answer.body['reason']], [503, 'auth_unavailable']);
  });

  it('are tried out in shadow: who would be refused passes, and is counted', async () => {
    assert.equal((await ask('/shadow')).status, 200);
    assert.equal((await ask('/shadow', await issuer.sign())).header('x-consumer-name'), 'corp/alice');
    const counted = { filter: 'jwt', reason: 'unauthenticated', enforcement: 'shadow' };
    await eventually(() => scrape(node), {
      what: 'the refusal in shadow is counted',
      until: (now) => now.sum('causeway_filter_refusals_total', counted) === 1,
    });
  });

  it('end the WebSockets that they let in when they expire', async () => {
    const token = await issuer.sign({ exp: Math.floor(Date.now() / 1000) + 3 });
    const headers = { authorization: `Bearer ${token}` };
    const socket = await openWebSocket(owner, `ws://127.0.0.1:${port}/chat`, { headers });
    assert.equal((await socket.closed()).code, 1008);
  });

  it('with unknown keys have keys fetched, at most twice for a thousand', async () => {
    const fetchesBefore = issuer.fetches;
    const strangers = Array.from({ length: 1000 }, (_, n) => issuer.sign({}, { kid: `unknown-${n}` }));
    const statuses = new Set<number>();
    for (const batch of Array.from({ length: 20 }, (_, n) => strangers.slice(n * 50, n * 50 + 50)))
      for (const { status } of await Promise.all(batch.map(async (token) => ask('/', await token))))
        statuses.add(status);
    assert.deepEqual([...statuses], [401]);
    assert.ok(issuer.fetches - fetchesBefore <= 2, `${issuer.fetches - fetchesBefore} fetches`);
  });
});

describe('keys that change', () => {
  it('are fetched by the first token that names a new one', async (t) => {
    const issuer = await startIssuer(t);
    const echo = await startEcho(t);
    const { nodes } = await startSystem(t, {
      resources: [
        gateway(),
        provider('corp', issuer.url),
        service('echo', [echo.port]),
        route('all', '/', 'echo', { filters: [{ jwt: { providers: ['corp'] } }] }),
      ],
    });
    const url = `http://127.0.0.1:${await nodes[0]!.trafficPort()}/`;
    const statusOf = async (token: string): Promise<number> => {
      const { statusCode, body } = await request(url, { headers: { authorization: `Bearer ${token}` } });
      await body.dump();
      return statusCode;
    };
    const old = await issuer.sign();
    assert.equal(await statusOf(old), 200);
    await issuer.rotate('k2');
    assert.equal(await statusOf(await issuer.sign()), 200);
    assert.equal(await statusOf(old), 401);
  });
});
