import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { tempDirectory } from '../testing/world.ts';
import { loadSealingKey, Sealer } from './sealer.ts';
import { StoreError } from './store.ts';

const key = new Uint8Array(32).fill(1);
const plain = Buffer.from('hunter2');
const wrongKey = (error: unknown): boolean => error instanceof StoreError && error.code === 'wrong_key';

describe('Sealer', () => {
  it('opens what it sealed, and only under the same context and key', () => {
    const sealer = new Sealer(key);
    const sealed = sealer.seal(plain, 'secret/a');
    assert.deepEqual(Buffer.from(sealer.open(sealed, 'secret/a')), plain);
    assert.throws(() => sealer.open(sealed, 'secret/b'), wrongKey);
    assert.throws(() => new Sealer(new Uint8Array(32).fill(2)).open(sealed, 'secret/a'), wrongKey);
  });

  it('never seals a value the same way twice, nor shows it', () => {
    const sealer = new Sealer(key);
    const [one, two] = [sealer.seal(plain, 'c'), sealer.seal(plain, 'c')];
    assert.notDeepEqual(one, two);
    assert.ok(!Buffer.from(one).includes(plain));
  });

  it('refuses a sealed value of which any byte was changed or is missing', () => {
    const sealer = new Sealer(key);
    const sealed = sealer.seal(plain, 'c');
    for (let index = 0; index < sealed.byteLength; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index]! ^= 1;
      assert.throws(() => sealer.open(changed, 'c'), wrongKey, `byte ${index}`);
      assert.throws(() => sealer.open(sealed.subarray(0, index), 'c'), wrongKey, `${index} bytes`);
    }
  });

  it('takes a key of 32 bytes and no other', () => {
    for (const bytes of [0, 31, 33]) assert.throws(() => new Sealer(new Uint8Array(bytes)), wrongKey);
  });
});

describe('loadSealingKey', () => {
  it('makes a key for its owner alone at the first start, and reads it later', async (t) => {
    const path = join(tempDirectory(t), 'sealing.key');
    const made = await loadSealingKey(path, undefined);
    assert.equal(made.byteLength, 32);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(await loadSealingKey(path, undefined, { mayBeNew: false }), made);
  });

  it('takes the given key and makes no file', async (t) => {
    const path = join(tempDirectory(t), 'sealing.key');
    assert.deepEqual(
      Buffer.from(await loadSealingKey(path, Buffer.from(key).toString('base64'))),
      Buffer.from(key),
    );
    assert.throws(() => readFileSync(path), /ENOENT/);
  });

  it('makes no second key where there has been one', async (t) => {
    const path = join(tempDirectory(t), 'sealing.key');
    await assert.rejects(loadSealingKey(path, undefined, { mayBeNew: false }), wrongKey);
    writeFileSync(path, 'short');
    const short = await loadSealingKey(path, undefined);
    assert.throws(() => new Sealer(short), wrongKey);
  });
});
