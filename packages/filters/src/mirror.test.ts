import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FilterChain } from './filter-chain.ts';
import { createMirrorFilter, type MirrorSettings } from './mirror.ts';
import { FakeOwner, outcome } from './testing/fake-owner.ts';

const settings: MirrorSettings = { service: 'default/copy', percent: 100, bodyBytesMax: 6 };

function start(owner: Partial<FakeOwner> = {}, change: Partial<MirrorSettings> = {}, random = 0): FakeOwner {
  const filter = createMirrorFilter('mirror', { ...settings, ...change }, () => random);
  const chain = new FilterChain([filter]);
  const made = Object.assign(new FakeOwner(chain), owner);
  chain.requestHead(made);
  return made;
}

const withBody = { hasRequestBody: true };
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('mirror', () => {
  it('copies a request without a body at once', () => {
    const { copies, log, requestPass } = start();
    assert.deepEqual([copies, log, requestPass], [['default/copy '], ['request'], undefined]);
  });

  it('copies a body while it passes as it is, and sends the copy when it is whole', () => {
    const owner = start(withBody);
    const pass = owner.requestPass!;
    const piece = Buffer.from('abc');
    assert.equal(pass.write(piece), true);
    // Its memory is the sender's again.
    piece.fill('x');
    pass.write(bytes('def'));
    assert.deepEqual([owner.copies, pass.changesBody], [[], false]);
    pass.end();
    assert.deepEqual(owner.copies, ['default/copy abcdef']);
    assert.deepEqual(owner.log, ['request', '> abc', '> def', '> end']);
    owner.chain.end(owner, outcome);
    assert.equal(owner.copies.length, 1);
  });

  it('gives up a body that is too large, and lets it pass all the same', () => {
    const owner = start(withBody);
    for (const text of ['abcd', 'efg', 'h']) owner.requestPass!.write(bytes(text));
    owner.requestPass!.end();
    owner.chain.end(owner, outcome);
    assert.deepEqual([owner.copies, owner.log.length], [['default/copy tooLarge'], 5]);
  });

  it('sends nothing of a request that ended before its body did', () => {
    const owner = start(withBody);
    owner.requestPass!.write(bytes('abc'));
    owner.chain.end(owner, outcome);
    assert.deepEqual(owner.copies, ['default/copy abandoned']);
  });

  it('takes the share that it is told, and none where too many are under way', () => {
    const copies = (percent: number, random: number) => start({}, { percent }, random).copies.length;
    assert.deepEqual([copies(0, 0), copies(25, 0.2499), copies(25, 0.25), copies(100, 0.9999)], [0, 1, 0, 1]);
    const full = start({ ...withBody, hasCopiesEnough: true });
    assert.deepEqual([full.copies, full.log, full.requestPass], [[], ['request'], undefined]);
  });
});
