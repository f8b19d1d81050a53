import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { itemDigest } from '@causeway/proto/digest';
import {
  BeginSchema,
  type End,
  EndpointSetSchema,
  EndSchema,
  type Item,
  ItemSchema,
  ItemsSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { runAtOnce } from '@causeway/runtime/work-slices';
import type { Snapshot } from './last-good.ts';
import { StagedUpdate, withEndpoints } from './staged-update.ts';

const item = (key: string, text: string): Item => {
  const bytes = Buffer.from(text);
  return create(ItemSchema, { key, schemaVersion: 1, bytes, digest: itemDigest(1, bytes) });
};

const base = {
  revision: 4,
  items: SnapshotItems.empty.with({
    upserts: [item('service/default/a', '1'), item('route/default/r', '1')],
    removedKeys: [],
  }),
  endpoints: new Map([['default/a', create(EndpointSetSchema, { service: 'default/a', version: 4 })]]),
};

const wanted = base.items.with({ upserts: [item('route/default/r', '2')], removedKeys: [] });

function staged(begin: { baseRootDigest?: Uint8Array; replacedBuckets?: number[] } = {}): StagedUpdate {
  return new StagedUpdate(
    create(BeginSchema, { revision: 5, baseRootDigest: base.items.rootDigest, ...begin }),
  );
}

const finish = (update: StagedUpdate, end: End, held: Snapshot) => runAtOnce(update.finish(end, held));

describe('StagedUpdate', () => {
  it('makes the next snapshot of the base, the items and the endpoints', () => {
    const update = staged();
    update.addItems(create(ItemsSchema, { upserts: [item('route/default/r', '2')] }));
    update.addEndpoints([create(EndpointSetSchema, { service: 'default/a', version: 5 })]);
    const next = finish(update, create(EndSchema, { revision: 5, rootDigest: wanted.rootDigest }), base);
    assert.ok(next);
    assert.equal(next.revision, 5);
    assert.deepEqual(next.items.rootDigest, wanted.rootDigest);
    assert.equal(next.endpoints.get('default/a')?.version, 5);
    assert.equal(base.endpoints.get('default/a')?.version, 4);
  });

  it('refuses a base that the node does not hold', () => {
    const update = staged({ baseRootDigest: wanted.rootDigest });
    assert.equal(finish(update, create(EndSchema, { rootDigest: wanted.rootDigest }), base), undefined);
  });

  it('refuses a result that has another digest', () => {
    assert.equal(finish(staged(), create(EndSchema, { rootDigest: wanted.rootDigest }), base), undefined);
  });

  it('refuses an item whose bytes are not those of its digest', () => {
    const update = staged();
    update.addItems(
      create(ItemsSchema, { upserts: [{ ...item('route/default/r', '2'), bytes: Buffer.from('x') }] }),
    );
    assert.equal(finish(update, create(EndSchema, { rootDigest: wanted.rootDigest }), base), undefined);
  });

  it('starts from whatever is held when no base is named and buckets are replaced', () => {
    const change = wanted.changeFromDigests(base.items.bucketDigests());
    const update = staged({
      baseRootDigest: new Uint8Array(),
      replacedBuckets: [...(change.replacedBuckets ?? [])],
    });
    update.addItems(create(ItemsSchema, { upserts: [...change.upserts] }));
    assert.ok(finish(update, create(EndSchema, { rootDigest: wanted.rootDigest }), base));
  });
});

describe('withEndpoints', () => {
  it('drops the sets of Services that the snapshot does not hold', () => {
    const without = base.items.with({ upserts: [], removedKeys: ['service/default/a'] });
    assert.equal(runAtOnce(withEndpoints(base.endpoints, [], without)).size, 0);
  });
});
