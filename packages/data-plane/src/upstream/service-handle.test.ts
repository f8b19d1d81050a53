import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { NameResolver } from '@causeway/runtime/name-resolver';

import { until } from '../testing/http-client.ts';
import { endpoints } from '../testing/node-fixture.ts';
import { poolContext, poolSettings } from '../testing/pools.ts';
import { ServiceHandle } from './service-handle.ts';

const handle = () => new ServiceHandle('default/s', poolSettings(), poolContext());
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
    const service = new ServiceHandle('default/s', poolSettings(), { ...poolContext(), resolver });
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
