import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LoginKeys } from './login-keys.ts';

it('what is sealed opens for the same use alone, with the key that sealed it and the one after', () => {
  const [one, two, three] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const keys = new LoginKeys({ current: one, previous: undefined });
  const sealed = keys.seal('a text', 'a use');
  assert.deepEqual(keys.unseal(sealed, 'a use'), { text: 'a text', isOld: false });
  assert.equal(keys.unseal(sealed, 'another'), undefined);
  for (const other of [`${sealed}!`, `${sealed} `, sealed.slice(1), '', 'x'])
    assert.equal(keys.unseal(other, 'a use'), undefined, other);
  keys.replace({ current: two, previous: one });
  assert.deepEqual(keys.unseal(sealed, 'a use'), { text: 'a text', isOld: true });
  keys.replace({ current: three, previous: two });
  assert.equal(keys.unseal(sealed, 'a use'), undefined);
  assert.equal(keys.changes, 2);
  assert.equal(new LoginKeys(undefined).unseal(sealed, 'a use'), undefined);
});
