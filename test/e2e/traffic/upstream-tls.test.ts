// Services that speak TLS: whom the gateway takes for them, as whom it shows itself, and that a change of trust goes unnoticed.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { request } from 'undici';
import { startLoad } from '../../kit/load.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { type SeenTls, startTls, type TlsUpstream } from '../../kit/upstreams/tls.ts';

const name = 'orders.test';

const certificate = (resourceName: string, spec: object): Resource => ({
  kind: 'Certificate',
  metadata: { name: resourceName },
  spec,
});

describe('a Service that speaks TLS', () => {
  const scope = new OwnScope();
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let orders: IssuedCertificate;
  let upstream: TlsUpstream;
  let system: System;
  let url: string;

  before(async () => {
    authority = await TestAuthority.create('Orders CA');
    stranger = await TestAuthority.create('Stranger');
    orders = await authority.issue({ names: [name] });
    upstream = await startTls(scope, orders, { requestCert: true, rejectUnauthorized: false });
    system = await startSystem(scope, {
      // Connections are kept, and counted, by worker.
      workers: 1,
      resources: [
        gateway(),
        certificate('orders-ca', { certificate: authority.certificate }),
        certificate('stranger-ca', { certificate: stranger.certificate }),
      ],
    });
    url = await system.nodes[0]!.trafficUrl();
  });
  after(() => scope.end());

  const https = (serviceName: string, tls: object, spec: object = {}): Resource[] => [
    service(serviceName, [upstream.port], { protocol: 'https', tls, ...spec }),
    route(serviceName, `/${serviceName}`, serviceName),
  ];

  async function ask(
    serviceName: string,
    body?: string,
  ): Promise<{ status: number; seen: Partial<SeenTls>; reason?: string }> {
    const answer = await request(`${url}/${serviceName}`, {
      method: body === undefined ? 'GET' : 'POST',
      body: body ?? null,
      headers: { host: 'shop.test' },
      reset: true,
    });
    const seen = (await answer.body.json()) as Partial<SeenTls> & { reason?: string };
    return { status: answer.statusCode, seen, ...(seen.reason !== undefined && { reason: seen.reason }) };
  }

  it('is asked for by its name, verified by the Certificate that is trusted, and gets the Host of the client', async () => {
    await system.apply(https('plain', { serverName: name, trust: ['orders-ca'] }));
    const { status, seen } = await ask('plain', 'hello');
    assert.deepEqual(
      [status, seen],
      [200, { serverName: name, client: '', host: 'shop.test', bodyBytes: 5 }],
    );
    const { connections } = upstream;
    for (let times = 0; times < 5; times += 1) assert.equal((await ask('plain')).status, 200);
    assert.equal(upstream.connections, connections, 'its connection is kept');
  });

  it('is shown the certificate of the gateway', async () => {
    const client = await authority.issue({ names: ['gateway'] });
    const tls = { serverName: name, trust: ['orders-ca'], clientCertificate: 'client' };
    await system.apply([certificate('client', { ...client }), ...https('mutual', tls)]);
    assert.equal((await ask('mutual')).seen.client, 'gateway');
  });

  it('is a 502 upstream_connect_failed when it is not who it should be', async () => {
    await system.apply([
      ...https('other-name', { serverName: 'other.test', trust: ['orders-ca'] }),
      ...https('other-ca', { serverName: name, trust: ['stranger-ca'] }),
      ...https('no-ca', { serverName: name }),
      ...https('new-only', { serverName: name, trust: ['orders-ca'], minVersion: 'TLSv1.3' }),
    ]);
    for (const serviceName of ['other-name', 'other-ca', 'no-ca']) {
      const { status, reason } = await ask(serviceName);
      assert.deepEqual([status, reason], [502, 'upstream_connect_failed'], serviceName);
    }
    assert.equal((await ask('new-only')).status, 200);
    const told = system.nodes[0]!.child.logs.filter(({ reason }) => reason === 'upstream_connect_failed');
    assert.deepEqual(
      told.map(({ service: by, detail }) => [by, /\((\w+)\)$/.exec(String(detail))?.[1]]),
      [
        ['default/other-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
        ['default/other-ca', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
        ['default/no-ca', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ],
    );
    const metrics = await scrape(system.nodes[0]!);
    assert.ok(metrics.value('causeway_upstream_pool_events_total', { event: 'connectFailed' }) >= 3);
    const reason = 'upstream_connect_failed';
    assert.ok(metrics.sum('causeway_requests_total', { reason, code: '502' }) >= 3);
  });

  it('is taken for whoever answers where verify is false, with a warning', async () => {
    const resources = https('blind', { serverName: 'other.test', trust: ['stranger-ca'], verify: false });
    const body = resources
      .map((each) => JSON.stringify({ apiVersion: 'causeway/v1', ...each }))
      .join('\n---\n');
    const applied = await system.admin.call('POST', 'apply', { body });
    assert.match(String(applied.field('warnings', 0)), /service\/blind takes any certificate/);
    await system.admin.waitUntilApplied(Number(applied.field('revision')), ['node-1']);
    const { status, seen } = await ask('blind');
    assert.deepEqual([status, seen.serverName], [200, 'other.test']);
  });

  it('may change its authority under load: no request fails, and the old one is not trusted any more', async (t) => {
    const [older, newer] = [await TestAuthority.create('Older'), await TestAuthority.create('Newer')];
    const [oldChain, newChain] = [await older.issue({ names: [name] }), await newer.issue({ names: [name] })];
    const turning = await startTls(t, oldChain);
    const trusts = (...authorities: TestAuthority[]): Resource[] => [
      certificate('turning-ca', { certificate: authorities.map((each) => each.certificate).join('') }),
    ];
    await system.apply([
      ...trusts(older),
      service('turning', [turning.port], {
        protocol: 'https',
        tls: { serverName: name, trust: ['turning-ca'] },
      }),
      route('turning', '/turning', 'turning'),
    ]);
    const port = await system.nodes[0]!.trafficPort();
    const load = startLoad(t, {
      port,
      request: 'GET /turning HTTP/1.1\r\nhost: a.test\r\n\r\n',
      connections: 4,
    });
    await system.apply(trusts(older, newer));
    turning.use(newChain);
    const { connections } = turning;
    await system.apply(trusts(newer));
    assert.equal((await ask('turning')).status, 200);
    const { ok, failed, reasons } = await load.stop();
    assert.deepEqual([failed, reasons], [0, {}]);
    assert.ok(ok > 0);
    assert.ok(turning.connections > connections, 'connections are verified anew');
    turning.use(oldChain);
    // A new pool, which has to connect.
    await system.apply([
      service('turning', [turning.port], {
        protocol: 'https',
        tls: { serverName: name, trust: ['turning-ca'] },
        pool: { maxConnections: 9 },
      }),
    ]);
    assert.equal((await ask('turning')).reason, 'upstream_connect_failed');
  });

  it('may have an endpoint that is a host name, which is its name as well', async (t) => {
    const local = await startTls(t, await authority.issue({ names: ['localhost'] }));
    const endpoints = [{ address: 'localhost', port: local.port }];
    const tls = { trust: ['orders-ca'] };
    await system.apply([
      { kind: 'Service', metadata: { name: 'local' }, spec: { endpoints, protocol: 'https', tls } },
      route('local', '/local', 'local'),
    ]);
    assert.equal((await ask('local')).seen.serverName, 'localhost');
  });
});
