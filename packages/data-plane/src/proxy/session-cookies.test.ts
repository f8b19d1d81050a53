import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  BalancingPolicy,
  ClientAuth,
  RequestSourceKind,
  SameSite,
  TlsVersion,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';

import { ask } from '../testing/http-client.ts';
import {
  certificateItem,
  endpoints,
  gatewayItem,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from '../testing/node-fixture.ts';

const value = { name: 'sid', ttlSeconds: 60, path: '/', sameSite: SameSite.LAX, domain: '' };
const cookie = { kind: { case: 'cookie' as const, value } };
const byUser = { kind: RequestSourceKind.HEADER, name: 'x-user' };

/** A node with Services `a` and `b` of three endpoints each, which answer with their port and a cookie of their own. */
async function node(context: TestContext, route: object, service: object): Promise<NodeFixture> {
  const portsOf = async (): Promise<number[]> =>
    Promise.all(
      Array.from({ length: 3 }, async () => {
        const { port } = await startUpstream(context, (request, response) => {
          response.setHeader('set-cookie', 'own=1');
          response.end(`${request.socket.localPort} ${request.headers.cookie ?? ''}`);
        });
        return port;
      }),
    );
  const [a, b] = [await portsOf(), await portsOf()];
  const backends = ['a', 'b'].map((name) => ({ service: `default/${name}`, weight: 1 }));
  return startNode(context, {
    items: [
      serviceItem('a', service),
      serviceItem('b', service),
      routeItem('r', '/', { backends, ...route }),
    ],
    endpoints: [endpoints('a', a), endpoints('b', b)],
  });
}

/** What one client sees, with the cookies that it was given. */
class Client {
  readonly #fixture: NodeFixture;
  #cookie: string | undefined;
  setCookies: readonly string[] = [];

  constructor(fixture: NodeFixture) {
    this.#fixture = fixture;
  }

  async port(): Promise<string> {
    const headers = this.#cookie === undefined ? {} : { cookie: this.#cookie };
    const { status, headers: fields, body } = await ask({ port: this.#fixture.port(), headers });
    assert.equal(status, 200);
    const [own, ...ours] = fields['set-cookie'] ?? [];
    assert.equal(own, 'own=1', 'what the upstream sets goes before');
    this.setCookies = ours;
    if (ours.length > 0) this.#cookie = ours[0]!.split(';', 1)[0]!;
    return body.split(' ', 1)[0]!;
  }
}

describe('sessions of a node', () => {
  it('stay with backend and endpoint by one cookie of both', async (context) => {
    const fixture = await node(context, { affinity: cookie }, { affinity: cookie });
    const seen = new Set<string>();
    for (let count = 0; count < 12; count += 1) {
      const client = new Client(fixture);
      const port = await client.port();
      assert.match(
        client.setCookies[0]!,
        /^sid=[\w-]{26}\.[\w-]{26}; Path=\/; Max-Age=60; HttpOnly; SameSite=Lax$/,
      );
      for (let again = 0; again < 3; again += 1) {
        assert.equal(await client.port(), port);
        assert.deepEqual(client.setCookies, []);
      }
      seen.add(port);
    }
    assert.equal(seen.size, 6);
    const outcomes = fixture.records.map(({ affinity }) => affinity);
    assert.deepEqual(outcomes.slice(0, 4), ['new', 'kept', 'kept', 'kept']);
  });

  it('stay where they are when endpoints come and the Service changes, and move when theirs goes', async (context) => {
    const fixture = await node(context, {}, { affinity: cookie });
    await fixture.apply({
      items: [routeItem('r', '/', { backends: [{ service: 'default/a', weight: 1 }] })],
    });
    const client = new Client(fixture);
    const port = await client.port();
    await fixture.apply({ items: [serviceItem('a', { affinity: cookie, connectTimeoutMs: 4000 })] });
    assert.equal(await client.port(), port);
    const other = await startUpstream(context, (request, response) => {
      response.setHeader('set-cookie', 'own=1');
      response.end(`${request.socket.localPort}`);
    });
    await fixture.apply({ endpoints: [endpoints('a', [other.port, Number(port)], 2)] });
    assert.equal(await client.port(), port);
    await fixture.apply({ endpoints: [endpoints('a', [other.port], 3)] });
    assert.equal(await client.port(), String(other.port));
    assert.equal(client.setCookies.length, 1);
    assert.equal(fixture.records.at(-1)?.affinity, 'moved');
  });

  it('go by a header, among backends and endpoints', async (context) => {
    const by = { kind: { case: 'by' as const, value: byUser } };
    const fixture = await node(context, { affinity: by }, { affinity: by });
    const portOf = async (user: string): Promise<string> =>
      (await ask({ port: fixture.port(), headers: { 'x-user': user } })).body;
    const seen = new Set<string>();
    for (let count = 0; count < 30; count += 1) {
      const port = await portOf(`u${count}`);
      assert.equal(await portOf(`u${count}`), port);
      seen.add(port);
    }
    assert.equal(seen.size, 6);
    assert.equal(fixture.records.at(-1)?.affinity, 'kept');
  });

  it('have cookies for TLS alone when the client came over TLS', async (context) => {
    const authority = await TestAuthority.create();
    const www = await authority.issue({ names: ['www.test'] });
    const upstream = await startUpstream(context, (_, response) => response.end());
    const tls = {
      certificates: ['default/www'],
      minVersion: TlsVersion.TLS_VERSION_1_2,
      clientAuth: ClientAuth.NONE,
    };
    const fixture = await startNode(context, {
      items: [
        gatewayItem({ listeners: [{ name: 'http', address: '127.0.0.1', port: 0, tls }] }),
        certificateItem('www', www),
        serviceItem('a', { affinity: cookie }),
        routeItem('a', '/'),
      ],
      endpoints: [endpoints('a', [upstream.port])],
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const port = fixture.port();
    httpsRequest({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false }, resolve)
      .on('error', reject)
      .end();
    const response = await promise;
    response.resume();
    assert.match(String(response.headers['set-cookie']), /^sid=[\w-]{26}; .*; Secure$/);
  });

  it('are none of the business of a Service that only hashes', async (context) => {
    const hashing = { policy: BalancingPolicy.CONSISTENT_HASH, balancing: { hash: byUser } };
    const fixture = await node(context, {}, hashing);
    const { headers } = await ask({ port: fixture.port(), headers: { 'x-user': 'u' } });
    assert.deepEqual(headers['set-cookie'], ['own=1']);
    assert.equal(fixture.records.at(-1)?.affinity, undefined);
  });
});
