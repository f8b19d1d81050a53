import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { describe, it } from 'node:test';

import { CidrSet } from './cidr-set.ts';

describe('CidrSet', () => {
  it('holds addresses and networks of both families', () => {
    const set = new CidrSet([
      '10.0.0.0/8',
      '192.0.2.1',
      '2001:db8::/33',
      '::1',
      '0.0.0.0/32',
      '::ffff:172.16.0.0/108',
    ]);
    for (const address of [
      '10.255.0.1',
      '192.0.2.1',
      '2001:db8:7fff::1',
      '::1',
      '::ffff:10.1.1.1',
      '172.16.5.5',
      '10.0.0.1%eth0',
    ])
      assert.ok(set.has(address), address);
    for (const address of [
      '11.0.0.1',
      '192.0.2.2',
      '2001:db8:8000::1',
      '::2',
      '',
      'x',
      '172.32.0.1',
      '0.0.0.1',
      '10.0.0',
      '10.0.0.0.1',
      '10.0.0.',
      '.10.0.0.1',
      '10..0.1',
      '10.0.0.256',
      '10.0.0.01',
      '10.0.0.1 ',
      '010.0.0.1',
    ])
      assert.ok(!set.has(address), address);
  });

  it('agrees with node:net on every prefix', () => {
    for (let bits = 0; bits <= 32; bits += 1) {
      const [set, list] = [new CidrSet([`172.29.201.91/${bits}`]), new BlockList()];
      list.addSubnet('172.29.201.91', bits);
      for (const address of [
        '172.29.201.91',
        '172.29.201.90',
        '172.29.200.1',
        '172.28.0.0',
        '173.0.0.1',
        '44.29.201.91',
      ])
        assert.equal(set.has(address), list.check(address), `${address} in /${bits}`);
    }
  });

  it('names what is no network', () => {
    for (const block of ['', 'a', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/x', '::/129'])
      assert.throws(() => new CidrSet([block]), new RegExp(`${block.replaceAll('/', '\\/')} is no network`));
  });
});
