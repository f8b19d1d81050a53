import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import { systemClock } from '@causeway/runtime/clock';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { NameResolver } from '@causeway/runtime/name-resolver';

import { EndpointWord, endpointKey } from '../counts/endpoint-record.ts';
import { createNodeShared, NodeShared } from '../counts/node-shared.ts';
import { ServiceWord } from '../counts/service-record.ts';
import { until } from '../testing/http-client.ts';
import { endpoints } from '../testing/node-fixture.ts';
import { poolContext, poolSettings } from '../testing/pools.ts';
import { type BalancingSettings, plainBalancing } from './balancing/balancing-settings.ts';
import type { LiveEndpoint } from './live-endpoint.ts';
import { plainTicket } from './service-gate.ts';
import { ServiceHandle } from './service-handle.ts';
import { TryFailure } from './try-outcome.ts';

/** As a try begins. */
function begin(service: ServiceHandle, endpoint: LiveEndpoint): void {
  assert.equal(service.gate.admit(), plainTicket);
  service.begin(endpoint);
}

const handle = () =>
  new ServiceHandle(
    'default/s',
    poolSettings(),
    poolContext(systemClock, () => 0),
  );
const take = (service: ServiceHandle, count: number) =>
  Array.from({ length: count }, () => service.pick()?.port);

describe('ServiceHandle', () => {
  it('picks by weight, and nothing without an endpoint', () => {
    const service = handle();
    assert.equal(service.pick(), undefined);
    service.setEndpoints(
      endpoints('s', [
        [1, 2],
        [2, 1],
        [3, 0],
      ]),
    );
    assert.deepEqual(take(service, 6), [1, 2, 1, 1, 2, 1]);
    service.setEndpoints(endpoints('s', [[1, 0]]));
    assert.equal(service.pick(), undefined);
  });

  it('keeps the connections and the turn of endpoints that stay (invariant 6)', () => {
    const service = handle();
    service.setEndpoints(endpoints('s', [1, 2, 3]));
    const [, second] = service.endpoints;
    assert.deepEqual(take(service, 1), [1]);
    service.setEndpoints(endpoints('s', [1, 2], 2));
    assert.equal(service.endpoints[1]?.pool, second?.pool);
    assert.equal(service.endpointsVersion, 2);
    assert.deepEqual(take(service, 1), [2]);
  });
});

describe('ServiceHandle and its balancing', () => {
  const balanced = (balancing: Partial<BalancingSettings>, zone?: string): ServiceHandle =>
    new ServiceHandle('default/s', poolSettings({ balancing: { ...plainBalancing, ...balancing } }), {
      ...poolContext(),
      zone,
    });

  it('takes weight, group and zone from the set, and as its next version says', () => {
    const service = balanced({ policy: 'first', prefersZone: true }, 'here');
    const set = (version: number, ...of: { priority?: number; zone?: string; weight?: number }[]) => {
      const made = endpoints('s', [1, 2, 3], version);
      for (const [index, entry] of made.entries.entries()) Object.assign(entry, of[index]);
      return made;
    };
    service.setEndpoints(set(1, { zone: 'there' }, { zone: 'here' }, { priority: 1, zone: 'here' }));
    assert.deepEqual(take(service, 3), [2, 2, 2]);
    const [first] = service.endpoints;
    service.setEndpoints(set(2, { zone: 'here' }, { weight: 0 }, { zone: 'here', weight: 2 }));
    const ports = take(service, 6);
    assert.deepEqual(
      [1, 3].map((port) => ports.filter((taken) => taken === port).length),
      [2, 4],
    );
    assert.equal(service.endpoints[0], first, 'it is the same that it was');
  });

  it('counts tries in flight for leastRequest, until they are over', () => {
    const service = balanced({ policy: 'leastRequest' });
    service.setEndpoints(endpoints('s', [1, 2]));
    const [one, two] = service.endpoints as [LiveEndpoint, LiveEndpoint];
    const share = (): number => take(service, 1000).filter((port) => port === 1).length;
    begin(service, one);
    assert.ok(share() < 100);
    begin(service, two);
    begin(service, two);
    assert.ok(share() > 900);
    service.finish(one, 200, 5, plainTicket);
    service.finish(two, 200, 5, plainTicket);
    service.finish(two, TryFailure.reset, undefined, plainTicket);
    const even = share();
    assert.ok(even > 400 && even < 600, String(even));
  });

  it('learns from answers who is slow, for peakEwma', () => {
    const service = balanced({ policy: 'peakEwma' });
    service.setEndpoints(endpoints('s', [1, 2]));
    const [one, two] = service.endpoints as [LiveEndpoint, LiveEndpoint];
    begin(service, one);
    service.finish(one, 200, 100, plainTicket);
    begin(service, two);
    service.finish(two, 200, 10, plainTicket);
    assert.ok(take(service, 1000).filter((port) => port === 1).length < 100);
    begin(service, two);
    service.finish(two, TryFailure.connectFailure, undefined, plainTicket);
    assert.ok(take(service, 1000).filter((port) => port === 1).length > 900, 'refusing is not fast');
  });

  it('sees at the next pick what another worker finds out', () => {
    const memory = createNodeShared(2);
    const [here, there] = [new NodeShared(memory, 0), new NodeShared(memory, 1)];
    const service = new ServiceHandle('default/s', poolSettings(), {
      ...poolContext(systemClock, () => 0),
      shared: here,
    });
    service.setEndpoints(endpoints('s', [1, 2]));
    assert.deepEqual(take(service, 2), [1, 2]);
    there.endpointRecords.open(endpointKey('default/s', 'e-1')).store(EndpointWord.ejected, 1);
    there.serviceRecords.open('default/s').add(ServiceWord.epoch, 1);
    assert.deepEqual(take(service, 2), [2, 2]);
  });
});

describe('ServiceHandle with host names', () => {
  const setOf = (addresses: readonly string[], version = 1) => {
    const set = endpoints(
      's',
      addresses.map((_address, index) => 81 + index),
      version,
    );
    for (const [index, entry] of set.entries.entries()) entry.address = addresses[index]!;
    return set;
  };

  /** A Service, and the addresses that its names have. */
  function named() {
    const clock = new ManualClock();
    const addresses = new Map<string, string[]>();
    const query = async (name: string, family: 4 | 6) =>
      (addresses.get(name) ?? [])
        .filter((address) => isIP(address) === family)
        .map((address) => ({ address, ttlSeconds: 10 }));
    const dns = { query, lookup: async () => [] };
    const resolver = new NameResolver({ clock, dns, random: () => 0 });
    const service = new ServiceHandle('default/s', poolSettings(), {
      ...poolContext(systemClock, () => 0),
      resolver,
    });
    const there = () => service.endpoints.map(({ address, port }) => `${address}:${port}`);
    return { clock, addresses, service, there };
  }

  it('has an endpoint for each address, of one family, and follows changes', async () => {
    const { clock, addresses, service, there } = named();
    addresses.set('a.test', ['10.0.0.1', '10.0.0.2', '2001:db8::1']).set('b.test', ['2001:db8::2']);
    service.setEndpoints(setOf(['a.test', 'b.test', '10.9.9.9']));
    assert.deepEqual(there(), ['10.9.9.9:83']);
    await service.resolved();
    assert.deepEqual(there(), ['10.0.0.1:81', '10.0.0.2:81', '2001:db8::2:82', '10.9.9.9:83']);
    const [first] = service.endpoints;
    addresses.set('a.test', ['10.0.0.1', '10.0.0.3']);
    clock.advance(10_000);
    await until('the change is there', () => there().includes('10.0.0.3:81'));
    assert.deepEqual(there(), ['10.0.0.1:81', '10.0.0.3:81', '2001:db8::2:82', '10.9.9.9:83']);
    assert.equal(service.endpoints[0]?.pool, first?.pool, 'what stays keeps its connections');
  });

  it('keeps what it has until new names are known', async () => {
    const { addresses, service, there } = named();
    addresses.set('a.test', ['10.0.0.1']).set('b.test', ['10.0.0.2']);
    service.setEndpoints(setOf(['a.test']));
    await service.resolved();
    service.setEndpoints(setOf(['b.test'], 2));
    assert.deepEqual(there(), ['10.0.0.1:81']);
    await service.resolved();
    assert.deepEqual(there(), ['10.0.0.2:81']);
  });

  it('has nothing for a name that nobody knows, and does not wait for it', async () => {
    const { service, there } = named();
    service.setEndpoints(setOf(['nobody.test']));
    await service.resolved();
    assert.deepEqual(there(), []);
  });
});
