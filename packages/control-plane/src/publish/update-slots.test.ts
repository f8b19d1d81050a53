import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ItemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { ItemsChange } from '@causeway/proto/snapshot-items';
import { UpdateSlots } from './update-slots.ts';

const change = (bytes: number): ItemsChange => ({
  upserts: [create(ItemSchema, { key: 'route/default/r', bytes: new Uint8Array(bytes) })],
  removedKeys: [],
});
const large = change(1024 * 1024 + 1);

/** Asks for a slot and says whether it has been given, after everything that is due has happened. */
async function asked(slots: UpdateSlots, holder: object, what = large): Promise<() => Promise<boolean>> {
  let given = false;
  void slots.acquire(holder, what).then(() => (given = true));
  const look = async (): Promise<boolean> => {
    await new Promise((resolve) => setImmediate(resolve));
    return given;
  };
  await look();
  return look;
}

describe('UpdateSlots', () => {
  it('lets eight large updates go at once, and the others in the order in which they came', async () => {
    const slots = new UpdateSlots();
    const holders = Array.from({ length: 11 }, () => ({}));
    const given = await Promise.all(holders.map((holder) => asked(slots, holder)));
    const state = async (): Promise<boolean[]> => Promise.all(given.map((look) => look()));
    assert.deepEqual(await state(), [...Array(8).fill(true), false, false, false]);
    slots.release(holders[3]!);
    assert.deepEqual(await state(), [...Array(9).fill(true), false, false]);
    slots.release(holders[8]!);
    assert.deepEqual(await state(), [...Array(10).fill(true), false]);
  });

  it('lets small updates pass whatever goes on', async () => {
    const slots = new UpdateSlots();
    for (let index = 0; index < 8; index++) await slots.acquire({}, large);
    const small = await asked(slots, {}, change(1024 * 1024));
    assert.equal(await small(), true);
  });

  it('gives nothing to who has stopped waiting, and takes no slot from it', async () => {
    const slots = new UpdateSlots();
    const holders = Array.from({ length: 10 }, () => ({}));
    const given = await Promise.all(holders.map((holder) => asked(slots, holder)));
    slots.release(holders[8]!);
    assert.equal(await given[8]!(), true, 'it is let go, so that it can see that it is over');
    assert.equal(await given[9]!(), false);
    slots.release(holders[0]!);
    assert.equal(await given[9]!(), true);
    const next = await asked(slots, {});
    assert.equal(await next(), false, 'all eight slots are taken');
  });

  it('does not mind a release of what nobody holds', async () => {
    const slots = new UpdateSlots();
    slots.release({});
    const holders = Array.from({ length: 9 }, () => ({}));
    const given = await Promise.all(holders.map((holder) => asked(slots, holder)));
    assert.equal(await given[8]!(), false);
  });
});
