import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSealingKey, seal, sealingKeyBytes, unseal } from './sealed-bytes.ts';

describe('sealed bytes', () => {
  const key = createSealingKey();
  const plain = Buffer.from('a text that must not be seen');

  it('open to what they were, and never look the same twice', () => {
    assert.equal(key.byteLength, sealingKeyBytes);
    const [one, two] = [seal(key, plain, 'a'), seal(key, plain, 'a')];
    assert.notDeepEqual(one, two);
    assert.ok(!Buffer.from(one).includes('seen'));
    for (const sealed of [one, two]) assert.deepEqual(Buffer.from(unseal(key, sealed, 'a')), plain);
    assert.deepEqual(Buffer.from(unseal(key, seal(key, Buffer.alloc(0), ''), '')), Buffer.alloc(0));
  });

  it('open to nobody with another key or context, and not when any byte has changed', () => {
    const sealed = seal(key, plain, 'a');
    assert.throws(() => unseal(createSealingKey(), sealed, 'a'));
    assert.throws(() => unseal(key, sealed, 'b'));
    for (let at = 0; at < sealed.byteLength; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      assert.throws(() => unseal(key, changed, 'a'), `byte ${at}`);
    }
    for (const length of [0, 1, 28, sealed.byteLength - 1])
      assert.throws(() => unseal(key, sealed.subarray(0, length), 'a'), `${length} bytes`);
  });
});
