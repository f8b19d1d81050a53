import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { decodeItem, encodeItem, isDecodeFailure } from './compiled.ts';
import { endpointsDigest, itemDigest, sameDigest } from './digest.ts';
import { EndpointSetSchema, type Item, ItemSchema } from './gen/causeway/config/v1/config_pb.ts';
import { CompiledMiddlewareSchema, CompiledRouteSchema } from './gen/causeway/snapshot/v1/snapshot_pb.ts';
import { SnapshotItems } from './snapshot-items.ts';

const item = (key: string, text: string): Item =>
  create(ItemSchema, {
    key,
    schemaVersion: 1,
    bytes: Buffer.from(text),
    digest: itemDigest(1, Buffer.from(text)),
  });

const many = (count: number, text: string): Item[] =>
  Array.from({ length: count }, (_, index) => item(`route/default/r${index}`, `${text}${index}`));

describe('SnapshotItems', () => {
  it('has a root digest that depends on content alone, not on the way there', () => {
    const direct = SnapshotItems.empty.with({ upserts: many(500, 'a'), removedKeys: [] });
    let stepwise = SnapshotItems.empty.with({ upserts: many(600, 'b').toReversed(), removedKeys: [] });
    for (const each of many(500, 'a')) stepwise = stepwise.with({ upserts: [each], removedKeys: [] });
    stepwise = stepwise.with({
      upserts: [],
      removedKeys: many(600, '')
        .slice(500)
        .map((each) => each.key),
    });
    assert.ok(sameDigest(direct.rootDigest, stepwise.rootDigest));
    assert.equal(stepwise.size, 500);
    assert.ok(!sameDigest(direct.rootDigest, SnapshotItems.empty.rootDigest));
  });

  it('leaves the set that a change was made from as it was', () => {
    const before = SnapshotItems.empty.with({ upserts: many(10, 'a'), removedKeys: [] });
    const root = before.rootDigest;
    before.with({ upserts: [item('route/default/r1', 'z')], removedKeys: ['route/default/r2'] });
    assert.equal(before.size, 10);
    assert.equal(before.rootDigest, root);
  });

  it('finds the delta between two sets', () => {
    const before = SnapshotItems.empty.with({ upserts: many(1000, 'a'), removedKeys: [] });
    const after = before.with({
      upserts: [item('route/default/r7', 'z'), item('service/default/s', 'n')],
      removedKeys: ['route/default/r9'],
    });
    const change = after.changeFrom(before);
    assert.deepEqual(change.upserts.map((each) => each.key).toSorted(), [
      'route/default/r7',
      'service/default/s',
    ]);
    assert.deepEqual(change.removedKeys, ['route/default/r9']);
    assert.ok(sameDigest(before.with(change).rootDigest, after.rootDigest));
  });

  it('repairs an unknown holder from its bucket digests, touching only buckets that differ', () => {
    const held = SnapshotItems.empty.with({ upserts: many(1000, 'a'), removedKeys: [] });
    const wanted = held.with({ upserts: [item('route/default/r7', 'z')], removedKeys: ['route/default/r9'] });
    const change = wanted.changeFromDigests(held.bucketDigests());
    assert.ok(change.replacedBuckets!.length <= 2);
    assert.ok(sameDigest(held.with(change).rootDigest, wanted.rootDigest));
    const fresh = wanted.changeFromDigests(SnapshotItems.empty.bucketDigests());
    assert.ok(sameDigest(SnapshotItems.empty.with(fresh).rootDigest, wanted.rootDigest));
  });
});

describe('decodeItem', () => {
  const route = create(CompiledRouteSchema, {
    name: 'default/r',
    hosts: ['a'],
    backends: [{ service: 'default/s', weight: 1 }],
  });

  it('returns what was encoded', () => {
    const decoded = decodeItem(encodeItem({ kind: 'route', key: 'route/default/r', value: route }));
    assert.ok(!isDecodeFailure(decoded));
    assert.deepEqual(decoded.value, route);
  });

  it('refuses kinds, versions and nested fields that it does not know', () => {
    const good = encodeItem({ kind: 'route', key: 'route/default/r', value: route });
    const kind = decodeItem({ ...good, key: 'wormhole/default/r' });
    assert.ok(isDecodeFailure(kind) && kind.reason === 'too_old' && kind.detail.includes('wormhole'));
    const version = decodeItem({ ...good, schemaVersion: 2 });
    assert.ok(isDecodeFailure(version) && version.reason === 'too_old');
    const nested = create(CompiledRouteSchema, { backends: [{ service: 's', weight: 1 }] });
    nested.backends[0]!.$unknown = [{ no: 99, wireType: WireType.Varint, data: new Uint8Array([1]) }];
    const field = decodeItem({ ...good, bytes: toBinary(CompiledRouteSchema, nested) });
    assert.ok(isDecodeFailure(field) && field.reason === 'too_old' && field.detail.includes('backends.0.99'));
  });

  it('refuses a filter that it does not know, wherever it stands', () => {
    const middleware = create(CompiledMiddlewareSchema, { name: 'default/m', filters: [{ name: 'guard' }] });
    middleware.filters[0]!.$unknown = [
      { no: 4711, wireType: WireType.LengthDelimited, data: new Uint8Array([0]) },
    ];
    const decoded = decodeItem(
      encodeItem({ kind: 'middleware', key: 'middleware/default/m', value: middleware }),
    );
    assert.ok(isDecodeFailure(decoded) && decoded.reason === 'too_old');
    assert.match(decoded.detail, /field filters\.0\.4711 of middleware/);
  });

  it('refuses damaged bytes', () => {
    const decoded = decodeItem(
      create(ItemSchema, {
        key: 'route/default/r',
        schemaVersion: 1,
        bytes: new Uint8Array([255, 255, 255]),
      }),
    );
    assert.ok(isDecodeFailure(decoded) && decoded.reason === 'invalid_resource');
  });
});

describe('endpointsDigest', () => {
  it('does not depend on order, but on every field', () => {
    const set = (service: string, version: number) =>
      create(EndpointSetSchema, {
        service,
        version,
        entries: [{ id: 'e', address: '127.0.0.1', port: 1, weight: 1 }],
      });
    const digest = endpointsDigest([set('a', 1), set('b', 1)]);
    assert.ok(sameDigest(digest, endpointsDigest([set('b', 1), set('a', 1)])));
    assert.ok(!sameDigest(digest, endpointsDigest([set('b', 2), set('a', 1)])));
  });
});
