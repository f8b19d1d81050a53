import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { tempDirectory } from '../testing/world.ts';
import { Keyring, keyPurposes } from './keyring.ts';
import { Sealer } from './sealer.ts';
import { SqliteStore } from './sqlite-store.ts';
import { StoreError } from './store.ts';

const clock = new ManualClock();
const sealer = new Sealer(new Uint8Array(32).fill(1));

describe('Keyring', () => {
  it('makes a key for each purpose once, and has the same ones after a restart', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    const first = await Keyring.open(store, sealer, clock);
    const second = await Keyring.open(store, sealer, clock);
    assert.deepEqual(first.sign('secret-digest', 'x'), second.sign('secret-digest', 'x'));
    assert.notDeepEqual(first.sign('secret-digest', 'x'), first.sign('continue-token', 'x'));
    assert.equal((await store.keys()).length, keyPurposes.length);
  });

  it('knows its own signatures, of one purpose and text only', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    const keyring = await Keyring.open(store, sealer, clock);
    const signature = keyring.sign('continue-token', 'text');
    assert.ok(keyring.verify('continue-token', 'text', signature));
    assert.ok(!keyring.verify('continue-token', 'texT', signature));
    assert.ok(!keyring.verify('secret-digest', 'text', signature));
    assert.ok(!keyring.verify('continue-token', 'text', signature.subarray(1)));
    assert.ok(!keyring.verify('continue-token', 'text', new Uint8Array()));
  });

  it('still knows what the key before the current one signed', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    const before = await Keyring.open(store, sealer, clock);
    const [old] = (await store.keys()).filter(({ purpose }) => purpose === 'continue-token');
    await store.putKey({ ...old!, slot: 'previous' });
    const fresh = sealer.seal(new Uint8Array(32).fill(9), 'keyring/continue-token');
    await store.putKey({ ...old!, sealed: fresh });
    const after = await Keyring.open(store, sealer, clock);
    assert.notDeepEqual(after.sign('continue-token', 'x'), before.sign('continue-token', 'x'));
    assert.ok(after.verify('continue-token', 'x', before.sign('continue-token', 'x')));
    assert.ok(!before.verify('continue-token', 'x', after.sign('continue-token', 'x')));
  });

  it('replaces a key on request, keeps the one before it, and knows its age after a restart', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    const keyring = await Keyring.open(store, sealer, clock);
    const signed = [keyring.sign('continue-token', 'x')];
    for (const hours of [1, 2]) {
      clock.advance(3_600_000);
      assert.equal(keyring.ageMs('continue-token'), 3_600_000);
      assert.equal(keyring.ageMs('secret-digest'), hours * 3_600_000);
      await keyring.rotate('continue-token');
      assert.equal(keyring.ageMs('continue-token'), 0);
      signed.push(keyring.sign('continue-token', 'x'));
    }
    clock.advance(1000);
    const reopened = await Keyring.open(store, sealer, clock);
    assert.equal(reopened.ageMs('continue-token'), 1000);
    for (const known of [keyring, reopened])
      assert.deepEqual(
        signed.map((signature) => known.verify('continue-token', 'x', signature)),
        [false, true, true],
      );
    clock.jumpWall(-10_000);
    assert.equal(reopened.ageMs('continue-token'), -9000);
  });

  it('goes on with the key that it has when the store cannot take a new one', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    const keyring = await Keyring.open(store, sealer, clock);
    const before = keyring.derive('session-tickets', 'x', 48);
    await store.close();
    await assert.rejects(keyring.rotate('session-tickets'));
    assert.deepEqual(keyring.derive('session-tickets', 'x', 48), before);
  });

  it('derives bytes that depend on the purpose, its current key and the text', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    const keyring = await Keyring.open(store, sealer, clock);
    const derived = [keyring.derive('session-tickets', 'a', 48)];
    assert.deepEqual(keyring.derive('session-tickets', 'a', 48), derived[0]);
    derived.push(keyring.derive('session-tickets', 'b', 48), keyring.derive('continue-token', 'a', 48));
    await keyring.rotate('session-tickets');
    derived.push(keyring.derive('session-tickets', 'a', 48));
    const different = new Set(derived.map((bytes) => Buffer.from(bytes).toString('hex')));
    assert.equal(different.size, derived.length);
    assert.ok(derived.every(({ byteLength }) => byteLength === 48));
  });

  it('refuses to go on with another sealing key, and leaves the keys as they are', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    await Keyring.open(store, sealer, clock);
    const kept = await store.keys();
    await assert.rejects(
      Keyring.open(store, new Sealer(new Uint8Array(32).fill(2)), clock),
      (error: unknown) => error instanceof StoreError && /sealing\.key/.test(error.message),
    );
    assert.deepEqual(await store.keys(), kept);
  });
});
