import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';

import { sharedBuild } from '../testing/shared-build.ts';
import { endpoints, gatewayItem, NodeFixture } from '../testing/node-fixture.ts';
import { poolContext, poolSettings } from '../testing/pools.ts';
import { ServiceHandle } from '../upstream/service-handle.ts';
import { buildTable } from './build-table.ts';
import { TableGenerations } from './table-generations.ts';

const pools = poolContext();

function emptyTable() {
  const built = runAtOnce(
    buildTable(undefined, new NodeFixture().update({ items: [gatewayItem()] }), pools, {
      ...sharedBuild(),
    }),
  );
  assert.ok(built.ok);
  return built.table;
}

function service(): ServiceHandle {
  const handle = new ServiceHandle('default/s', poolSettings(), pools);
  handle.setEndpoints(endpoints('s', [9]));
  return handle;
}

const isClosed = (handle: ServiceHandle): boolean => handle.endpoints.length === 0;

describe('TableGenerations', () => {
  it('lets an old table go with its last exchange, and closes what only it held', () => {
    const generations = new TableGenerations();
    generations.publish(emptyTable(), []);
    const pinned = generations.live!.acquire().acquire();
    const leaving = service();
    generations.publish(emptyTable(), [leaving]);
    pinned.release();
    assert.deepEqual([generations.retiredCount, isClosed(leaving)], [1, false]);
    pinned.release();
    assert.deepEqual([generations.retiredCount, isClosed(leaving)], [0, true]);
  });

  it('closes at once what no exchange uses', () => {
    const generations = new TableGenerations();
    generations.publish(emptyTable(), []);
    const leaving = service();
    generations.publish(emptyTable(), [leaving]);
    assert.ok(isClosed(leaving));
  });

  it('keeps a Service for an older table that holds it too', () => {
    const generations = new TableGenerations();
    generations.publish(emptyTable(), []);
    const oldest = generations.live!.acquire();
    generations.publish(emptyTable(), []);
    const middle = generations.live!.acquire();
    const leaving = service();
    generations.publish(emptyTable(), [leaving]);
    middle.release();
    assert.deepEqual([generations.retiredCount, isClosed(leaving)], [2, false]);
    oldest.release();
    assert.deepEqual([generations.retiredCount, isClosed(leaving)], [0, true]);
  });
});
