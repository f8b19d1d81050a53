import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { tempDirectory } from '../testing/world.ts';
import { Keyring } from './keyring.ts';
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
    assert.equal((await store.keys()).length, 2);
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
