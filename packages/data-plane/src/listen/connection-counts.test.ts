import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { CidrSet } from '@causeway/runtime/cidr-set';
import { aloneShared, createNodeShared, NodeShared } from '../counts/node-shared.ts';
import { ConnectionCounts } from './connection-counts.ts';

const limits = {
  connectionsMax: 4,
  connectionsPerAddressMax: 2,
  trustedProxies: new CidrSet(['10.0.0.0/8']),
};

describe('ConnectionCounts', () => {
  it('holds both limits, exempts trusted proxies from the one by address, and counts refusals', () => {
    const counts = new ConnectionCounts(aloneShared());
    const entered = ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1', '10.0.0.1', '10.0.0.1', '10.0.0.1'].map(
      (address) => counts.enter(address, limits),
    );
    assert.deepEqual(entered, [true, true, false, true, true, false]);
    assert.deepEqual([counts.open, counts.refused], [4, { total: 1, address: 1, descriptors: 0 }]);
  });

  it('gives places back', () => {
    const counts = new ConnectionCounts(aloneShared());
    for (let round = 0; round < 3; round += 1) {
      assert.ok(counts.enter('192.0.2.1', limits) && counts.enter('192.0.2.1', limits));
      counts.leave('192.0.2.1');
      counts.leave('::ffff:192.0.2.1');
    }
    assert.equal(counts.open, 0);
  });

  it('has no limit by address when it is 0', () => {
    const counts = new ConnectionCounts(aloneShared());
    const off = { ...limits, connectionsMax: 100, connectionsPerAddressMax: 0 };
    for (let count = 0; count < 100; count += 1) assert.ok(counts.enter('192.0.2.1', off));
    assert.ok(!counts.enter('192.0.2.1', off));
  });

  it('leaves descriptors for upstreams, however many clients the Gateway would take', () => {
    const counts = new ConnectionCounts(aloneShared());
    const many = { ...limits, connectionsMax: 100_000, connectionsPerAddressMax: 0 };
    // 64 are the process's own, and a quarter of all is for upstreams.
    counts.limitDescriptors(256);
    for (let count = 0; count < 128; count += 1) assert.ok(counts.enter('192.0.2.1', many));
    assert.deepEqual(
      [counts.hasRoom, counts.enter('192.0.2.1', many), counts.refused.descriptors],
      [false, false, 1],
    );
    counts.limitDescriptors(undefined);
    assert.equal(counts.hasRoom, false);
    counts.limitDescriptors(1_000_000);
    assert.ok(counts.hasRoom);
    counts.limitDescriptors(10);
    counts.leave('192.0.2.1');
    assert.equal(counts.hasRoom, false);
  });

  it('counts what other workers have taken', () => {
    const memory = createNodeShared(2);
    const [one, two] = [0, 1].map((worker) => new ConnectionCounts(new NodeShared(memory, worker)));
    assert.deepEqual(
      [one, two, one, two].map((counts) => counts!.enter('192.0.2.1', limits)),
      [true, true, false, false],
    );
    assert.deepEqual([one!.open, two!.open], [2, 2]);
    assert.ok(two!.enter('192.0.2.2', limits) && one!.enter('192.0.2.3', limits));
    assert.equal(two!.enter('192.0.2.4', limits), false);
    one!.leave('192.0.2.1');
    assert.ok(two!.enter('192.0.2.1', limits));
  });
});
