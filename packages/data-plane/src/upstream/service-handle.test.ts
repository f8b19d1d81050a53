import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

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
