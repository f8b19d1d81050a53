import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceKey } from '@causeway/model/resource';
import { identityOfKey, shownKey } from './object-key.ts';
import { parseTargets } from './targets.ts';

function parsed(...words: string[]): string[] {
  const { kinds, objects } = parseTargets(words, 'shop');
  return [...kinds.map(({ plural }) => plural), ...objects.map(({ identity }) => resourceKey(identity))];
}

describe('targets', () => {
  it('are kinds by any of their words', () => {
    assert.deepEqual(parsed('routes'), ['routes']);
    assert.deepEqual(parsed('rt,Service,gw'), ['routes', 'services', 'gateways']);
  });

  it('are objects of the current namespace, unless they name another', () => {
    assert.deepEqual(parsed('route', 'a', 'b'), ['route/shop/a', 'route/shop/b']);
    assert.deepEqual(parsed('rt/a', 'svc/pay/b', 'gw/c'), ['route/shop/a', 'service/pay/b', 'gateway/c']);
  });

  it('that make no sense are refused with the mend', () => {
    assert.throws(() => parsed('rotues'), /no kind "rotues" \(did you mean "routes"\?\)/);
    for (const word of ['rt/', 'gw/a/b', 'rt/a/b/c', 'rt//a'])
      assert.throws(() => parsed(word), /names no object/);
  });
});

describe('keys', () => {
  it('are short in the current namespace', () => {
    assert.equal(shownKey('route/shop/a', 'shop'), 'route/a');
    assert.equal(shownKey('route/shop/a', 'default'), 'route/shop/a');
    assert.equal(shownKey('gateway/a', 'shop'), 'gateway/a');
  });

  it('give their identity back', () => {
    assert.deepEqual(identityOfKey('route/shop/a'), { kind: 'Route', namespace: 'shop', name: 'a' });
    assert.deepEqual(identityOfKey('gateway/a'), { kind: 'Gateway', name: 'a' });
  });
});
