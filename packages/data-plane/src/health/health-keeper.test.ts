import assert from 'node:assert/strict';
import { createServer as createHttps } from 'node:https';
import { describe, it, type TestContext } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { type Compiled, encodeItem } from '@causeway/proto/compiled';
import {
  type EndpointSet,
  EndpointSetSchema,
  HealthState,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import {
  ActiveCheckSchema,
  CheckType,
  PassiveCheckSchema,
  Protocol,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { type Clock, systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';
import type { AddressResolver } from '@causeway/runtime/name-resolver';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';

import {
  EndpointOwnWord,
  type EndpointState,
  EndpointWord,
  endpointKey,
  endpointState,
} from '../counts/endpoint-record.ts';
import { createNodeShared, NodeShared } from '../counts/node-shared.ts';
import { ServiceWord } from '../counts/service-record.ts';
import { until } from '../testing/http-client.ts';
import { certificateItem, endpoints, serviceItem, startUpstream } from '../testing/node-fixture.ts';
import { listenRaw } from '../testing/raw-upstream.ts';
import { eject, EjectionReason } from '../upstream/ejection.ts';
import { firstSpreadMs } from './check-schedule.ts';
import { HealthKeeper } from './health-keeper.ts';

type CheckInit = MessageInitShape<typeof ActiveCheckSchema>;

const active = (init: CheckInit = {}) =>
  create(ActiveCheckSchema, {
    type: CheckType.HTTP,
    method: 'GET',
    path: '/healthz',
    statuses: [{ first: 200, last: 299 }],
    intervalMs: 20,
    timeoutMs: 2000,
    unhealthyAfter: 2,
    healthyAfter: 2,
    ...init,
  });
const passive = create(PassiveCheckSchema, {
  connectFailures: 3,
  ejectForMs: 30_000,
  maxEjectForMs: 300_000,
  maxEjectedPercent: 50,
});

/** Addresses of names, as a test says. */
class Names implements AddressResolver {
  readonly #watches = new Map<string, (addresses: readonly string[]) => void>();

  watch(name: string, onChange: (addresses: readonly string[]) => void): () => void {
    this.#watches.set(name, onChange);
    return () => this.#watches.delete(name);
  }

  tell(name: string, ...addresses: string[]): void {
    this.#watches.get(name)?.(addresses);
  }

  close(): void {}
}

/** A supervisor without workers; what they would read is read here. */
class Fixture {
  readonly names = new Names();
  readonly logs: string[] = [];
  readonly keeper: HealthKeeper;
  readonly #worker: NodeShared;
  #items = SnapshotItems.empty;
  #sets = new Map<string, EndpointSet>();
  #revision = 0;

  constructor(
    context: TestContext,
    { clock = systemClock, ownPorts = [] }: { clock?: Clock; ownPorts?: readonly number[] } = {},
  ) {
    const memory = createNodeShared(1);
    this.#worker = new NodeShared(memory, 0);
    this.keeper = new HealthKeeper({
      clock,
      logger: createLogger({ level: 'info', write: (line) => this.logs.push(line) }),
      shared: new NodeShared(memory, memory.workers),
      resolver: this.names,
      ownPorts: new Set(ownPorts),
      random: () => 0.5,
    });
    context.after(() => this.keeper.stop());
  }

  apply(
    changed: readonly Compiled[],
    sets: readonly EndpointSet[] = [],
    removedKeys: readonly string[] = [],
  ): void {
    this.#items = this.#items.with({ upserts: changed.map(encodeItem), removedKeys });
    this.#sets = new Map(this.#sets);
    for (const set of sets) this.#sets.set(set.service, set);
    this.#revision += 1;
    this.keeper.follow({
      revision: this.#revision,
      items: this.#items,
      changed,
      removedKeys,
      endpoints: this.#sets,
    });
  }

  record(id: string) {
    return this.#worker.endpointRecords.open(endpointKey('default/s', id));
  }

  get service() {
    return this.#worker.serviceRecords.open('default/s');
  }

  state(id: string): EndpointState {
    return endpointState(this.record(id));
  }

  comesTo(id: string, state: EndpointState): Promise<void> {
    return until(`${id} is ${state}`, () => this.state(id) === state);
  }

  /** Lines of the log that hold this. */
  logged(text: string): string[] {
    return this.logs.filter((line) => line.includes(text));
  }

  /** By labels, those that are not 0. */
  metric(name: string): Record<string, number> {
    const family = this.keeper.metrics.registry.collect().find((each) => each.name === name);
    const entries = (family?.series ?? []).map(
      ({ labels, values }) => [Object.values(labels).join(' '), values[0]!] as const,
    );
    return Object.fromEntries(entries.filter(([, value]) => value !== 0));
  }
}

describe('the health of endpoints', () => {
  it('follows what checks find out, and is told everywhere', async (context) => {
    let status = 200;
    const { port } = await startUpstream(context, (_request, response) => response.writeHead(status).end());
    const fixture = new Fixture(context);
    fixture.keeper.report.begin();
    fixture.apply([serviceItem('s', { activeCheck: active() })], [endpoints('s', [port])]);
    const id = `e-${port}`;
    assert.equal(fixture.state(id), 'unknown');
    await fixture.comesTo(id, 'healthy');
    assert.equal(fixture.service.load(ServiceWord.epoch), 1);
    status = 503;
    await fixture.comesTo(id, 'unhealthy');
    assert.equal(fixture.service.load(ServiceWord.epoch), 2);
    assert.equal(fixture.logged(`default/s: 127.0.0.1:${port}: unhealthy: status 503`).length, 1);
    assert.deepEqual(fixture.metric('causeway_service_endpoints'), { 'default/s unhealthy': 1 });
    assert.ok(fixture.metric('causeway_health_checks_total')['default/s success']! >= 1);
    assert.ok(fixture.metric('causeway_health_checks_total')['default/s failure']! >= 2);
    const [told] = fixture.keeper.report.take()!.endpointHealth;
    assert.deepEqual([told?.service, told?.endpoint, told?.detail], ['default/s', id, 'status 503']);
    assert.ok(Math.abs(told!.sinceMs - Date.now()) < 60_000);
    status = 200;
    await fixture.comesTo(id, 'healthy');
    assert.equal(fixture.keeper.report.take()?.endpointHealth[0]?.detail, '');
  });

  it('goes on over updates that do not concern it, without a new beginning', async (context) => {
    let checks = 0;
    const { port } = await startUpstream(context, (_request, response) => {
      checks += 1;
      response.end();
    });
    const clock = new ManualClock();
    const fixture = new Fixture(context, { clock });
    const check = { intervalMs: 60_000 };
    fixture.apply([serviceItem('s', { activeCheck: active(check) })], [endpoints('s', [port])]);
    const id = `e-${port}`;
    clock.advance(firstSpreadMs);
    await fixture.comesTo(id, 'healthy');
    fixture.apply([serviceItem('other')]);
    fixture.apply([serviceItem('s', { activeCheck: active(check), connectTimeoutMs: 77 })]);
    fixture.apply([], [endpoints('s', [port], 2)]);
    // Had a schedule begun anew, its first check would come within this time.
    const timers = clock.pendingTimers;
    clock.advance(firstSpreadMs);
    assert.equal(clock.pendingTimers, timers, 'a check under way has a timeout');
    fixture.apply([serviceItem('s', { activeCheck: active({ ...check, path: '/other' }) })]);
    assert.equal(fixture.state(id), 'healthy', 'what is known stays until the new check says otherwise');
    clock.advance(firstSpreadMs);
    await until('the changed check asks', () => checks === 2);
  });

  it('is decided at once by the first result of a changed check', async (context) => {
    const { port } = await startUpstream(context, ({ url }, response) =>
      response.writeHead(url === '/bad' ? 500 : 200).end(),
    );
    const fixture = new Fixture(context);
    const check = { intervalMs: 60_000 };
    fixture.apply([serviceItem('s', { activeCheck: active(check) })], [endpoints('s', [port])]);
    const id = `e-${port}`;
    await fixture.comesTo(id, 'healthy');
    fixture.apply([serviceItem('s', { activeCheck: active({ ...check, path: '/bad' }) })]);
    await fixture.comesTo(id, 'unhealthy');
    fixture.apply([serviceItem('s')]);
    assert.equal(fixture.state(id), 'unknown', 'nobody asks any more');
    fixture.apply([serviceItem('s', { activeCheck: active(check) })]);
    await fixture.comesTo(id, 'healthy');
    fixture.apply([], [], ['service/default/s']);
    assert.equal(fixture.state(id), 'unknown');
    assert.deepEqual(fixture.metric('causeway_service_endpoints'), {});
    assert.deepEqual(fixture.metric('causeway_health_checks_total'), {});
    assert.throws(() => fixture.keeper.load('default/s'), /no Service "default\/s"/);
  });

  it('is that of each address of a name', async (context) => {
    const { port } = await startUpstream(context, (_request, response) => response.end());
    const fixture = new Fixture(context);
    fixture.keeper.report.begin();
    const set = create(EndpointSetSchema, {
      service: 'default/s',
      version: 1,
      entries: [{ id: 'e', address: 'orders.test', port, weight: 1 }],
    });
    fixture.apply([serviceItem('s', { activeCheck: active() })], [set]);
    fixture.names.tell('orders.test', '127.0.0.1', '127.0.0.2');
    await fixture.comesTo('e/127.0.0.1', 'healthy');
    await fixture.comesTo('e/127.0.0.2', 'unhealthy');
    assert.equal(fixture.logged(`orders.test:${port} (127.0.0.2): unhealthy: connection refused`).length, 1);
    const told = () =>
      fixture.keeper.report
        .take()
        ?.endpointHealth.map(({ endpoint, state, detail }) => [endpoint, state, detail]);
    const { DEGRADED, HEALTHY, UNHEALTHY } = HealthState;
    assert.deepEqual(told(), [['e', DEGRADED, '127.0.0.2: connection refused (ECONNREFUSED)']]);
    fixture.names.tell('orders.test', '127.0.0.1');
    assert.equal(fixture.state('e/127.0.0.2'), 'unknown');
    assert.deepEqual(told(), [['e', HEALTHY, '']]);
    assert.deepEqual(fixture.metric('causeway_service_endpoints'), { 'default/s healthy': 1 });
    fixture.names.tell('orders.test');
    assert.deepEqual(told(), [['e', UNHEALTHY, 'the name has no address']]);
    fixture.names.tell('orders.test');
    assert.equal(told(), undefined, 'that is no news');
    fixture.apply([], [], ['service/default/s']);
    assert.deepEqual(told(), [['e', HealthState.UNKNOWN, '']]);
  });

  it('is asked with the certificates of the Service, and anew when they have changed', async (context) => {
    const authority = await TestAuthority.create();
    const stranger = await TestAuthority.create();
    const { certificate: cert, key } = await authority.issue({ names: ['orders.test'] });
    const port = await listenRaw(
      context,
      createHttps({ cert, key }, (_request, response) => response.end()),
    );
    const fixture = new Fixture(context);
    const service = serviceItem('s', {
      protocol: Protocol.HTTPS,
      tls: { serverName: 'orders.test', trust: ['default/trust'], verify: true, minVersion: 1 },
      activeCheck: active({ intervalMs: 60_000 }),
    });
    const trust = (by: TestAuthority): Compiled => certificateItem('trust', { certificate: by.certificate });
    fixture.apply([service, trust(stranger)], [endpoints('s', [port])]);
    const id = `e-${port}`;
    await fixture.comesTo(id, 'unhealthy');
    assert.match(fixture.logged('unhealthy')[0] ?? '', /certificate|issuer/);
    fixture.apply([trust(authority)]);
    await fixture.comesTo(id, 'healthy');
  });

  it('is not asked for at a port of this node', async (context) => {
    const { port } = await startUpstream(context, () => assert.fail('nobody may ask'));
    const fixture = new Fixture(context, { ownPorts: [port] });
    fixture.apply([serviceItem('s', { activeCheck: active() })], [endpoints('s', [port])]);
    await fixture.comesTo(`e-${port}`, 'unhealthy');
    assert.match(fixture.logged('unhealthy')[0] ?? '', /is Causeway itself/);
  });
});

describe('endpoints that workers eject', () => {
  it('are told, counted, and given requests again when they leave or checks end', async (context) => {
    const fixture = new Fixture(context);
    fixture.keeper.report.begin();
    fixture.apply([serviceItem('s', { passiveCheck: passive })], [endpoints('s', [1, 2, 3, 4])]);
    const reason = EjectionReason.connectFailures;
    for (const id of ['e-1', 'e-2']) eject(fixture.service, fixture.record(id), 2, reason);
    await until('it is seen', () => fixture.logged('ejected for 30s: 3 failed connections').length === 2);
    assert.deepEqual(fixture.metric('causeway_endpoint_ejections_total'), {
      'default/s connect_failures': 2,
    });
    assert.deepEqual(fixture.metric('causeway_service_endpoints'), {
      'default/s unknown': 2,
      'default/s ejected': 2,
    });
    assert.equal(fixture.keeper.report.take()?.endpointHealth.length, 2);
    fixture.apply([], [endpoints('s', [2, 3, 4, 5], 2)]);
    assert.equal(fixture.service.load(ServiceWord.ejected), 1);
    fixture.apply([serviceItem('s')]);
    assert.deepEqual([fixture.state('e-2'), fixture.service.load(ServiceWord.ejected)], ['unknown', 0]);
    assert.equal(fixture.logged('gets requests again').length, 1);
  });

  it('are shown as unhealthy where checks say so too', async (context) => {
    const fixture = new Fixture(context);
    const service = serviceItem('s', { passiveCheck: passive, activeCheck: active({ intervalMs: 60_000 }) });
    fixture.apply([service], [endpoints('s', [1, 2])]);
    eject(fixture.service, fixture.record('e-1'), 1, EjectionReason.connectFailures);
    await until('it is seen', () => fixture.logged('ejected for').length === 1);
    await fixture.comesTo('e-1', 'unhealthy');
    await fixture.comesTo('e-2', 'unhealthy');
    assert.deepEqual(fixture.metric('causeway_service_endpoints'), { 'default/s unhealthy': 2 });
  });

  it('come back as soon as checks that had found them unhealthy find them healthy', async (context) => {
    let status = 500;
    const { port } = await startUpstream(context, (_request, response) => response.writeHead(status).end());
    const fixture = new Fixture(context);
    const service = serviceItem('s', { passiveCheck: passive, activeCheck: active() });
    fixture.apply([service], [endpoints('s', [port, 1])]);
    const id = `e-${port}`;
    await fixture.comesTo(id, 'unhealthy');
    eject(fixture.service, fixture.record(id), 1, EjectionReason.connectFailures);
    await until('it is seen', () => fixture.logged('ejected for').length === 1);
    status = 200;
    await fixture.comesTo(id, 'healthy');
    assert.equal(fixture.service.load(ServiceWord.ejected), 0);
    eject(fixture.service, fixture.record(id), 1, EjectionReason.serverErrors);
    const checks = fixture.metric('causeway_health_checks_total')['default/s success']!;
    await until(
      'more checks are good',
      () => fixture.metric('causeway_health_checks_total')['default/s success']! > checks + 3,
    );
    assert.equal(fixture.state(id), 'ejected', 'an endpoint that was healthy all the while proves nothing');
  });

  it('and all others carry so much', (context) => {
    const clock = new ManualClock();
    const fixture = new Fixture(context, { clock });
    fixture.apply([serviceItem('s')], [endpoints('s', [1, 2])]);
    const record = fixture.record('e-2');
    record.addOwn(EndpointOwnWord.requests, 7);
    record.addOwn(EndpointOwnWord.active, 2);
    record.addOwn(EndpointOwnWord.failures, 1);
    const { endpoints: found, ...load } = fixture.keeper.load('default/s');
    assert.deepEqual(load, { breaker: null, retryBudgetUsedPercent: 0 });
    assert.deepEqual(found, [
      {
        id: 'e-1',
        active: 0,
        recent: { requestsPerSecond: 0, failuresPerSecond: 0 },
      },
      {
        id: 'e-2',
        active: 2,
        recent: { requestsPerSecond: 5, failuresPerSecond: 1 },
      },
    ]);
    clock.advance(10_000);
    record.addOwn(EndpointOwnWord.requests, 45);
    record.addOwn(EndpointOwnWord.failures, 9);
    clock.advance(4000);
    const [idle, busy] = fixture.keeper.load('default/s').endpoints;
    assert.deepEqual(idle?.recent, { requestsPerSecond: 0, failuresPerSecond: 0 });
    assert.deepEqual(busy?.recent, { requestsPerSecond: 5, failuresPerSecond: 1 });
    clock.advance(20_000);
    assert.deepEqual(
      fixture.keeper.load('default/s').endpoints[1]?.recent,
      idle?.recent,
      'that was long ago',
    );
    assert.equal(record.load(EndpointWord.ejected), 0);
  });
});
