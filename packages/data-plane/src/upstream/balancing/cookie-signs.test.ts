import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { AffinityKeys, newAffinityKeys } from './affinity-keys.ts';
import { CookieSigns, tagOf } from './cookie-signs.ts';

const ids = ['e-1', 'e-2'];

function signsOf(scope: string, keys: AffinityKeys, targets = ids): CookieSigns<string> {
  const signs = new CookieSigns<string>(scope, keys, (id) => id);
  signs.setTargets(targets);
  return signs;
}

describe('CookieSigns', () => {
  it('are the same wherever keys, scope and targets are', () => {
    const pair = newAffinityKeys();
    const [here, there] = [0, 1].map(() => signsOf('service default/a', new AffinityKeys(pair)));
    const sign = here!.signOf('e-1')!;
    assert.deepEqual(there!.find(sign), { target: 'e-1', isCurrent: true });
    assert.equal(tagOf(sign), here!.tag);
    assert.ok(!sign.includes('e-1'));
  });

  it('are worth nothing under another key or in another scope', () => {
    const keys = new AffinityKeys();
    const sign = signsOf('service default/a', keys).signOf('e-1')!;
    assert.equal(signsOf('service default/a', new AffinityKeys()).find(sign), undefined);
    assert.equal(signsOf('service default/b', keys).find(sign), undefined);
    assert.equal(signsOf('service default/a', keys).find(`${sign.slice(0, -1)}_`), undefined);
  });

  it('are good for one change of keys, and known to be of the key before', () => {
    const keys = new AffinityKeys();
    const signs = signsOf('service default/a', keys);
    const sign = signs.signOf('e-2')!;
    const second = newAffinityKeys().current;
    keys.replace({ current: second, previous: keys.current });
    assert.deepEqual(signs.find(sign), { target: 'e-2', isCurrent: false });
    assert.notEqual(signs.signOf('e-2'), sign);
    keys.replace({ current: newAffinityKeys().current, previous: second });
    assert.equal(signs.find(sign), undefined);
  });

  it('are forgotten with their target, and stay with those that stay', () => {
    const keys = new AffinityKeys();
    const signs = signsOf('service default/a', keys);
    const [one, two] = ids.map((id) => signs.signOf(id)!);
    signs.setTargets(['e-2', 'e-3']);
    assert.equal(signs.find(one!), undefined);
    assert.equal(signs.signOf('e-1'), undefined);
    assert.equal(signs.signOf('e-2'), two);
  });
});

describe('tagOf', () => {
  it('knows no tag of what is no sign', () => {
    for (const text of ['', 'abc', `${'a'.repeat(25)}=`, 'a'.repeat(27), `${'a'.repeat(25)};`])
      assert.equal(tagOf(text), undefined, text);
  });
});
