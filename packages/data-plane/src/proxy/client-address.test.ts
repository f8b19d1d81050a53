import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { requestHead } from '../testing/heads.ts';
import { CidrSet } from '@causeway/runtime/cidr-set';
import { clientAddress } from './client-address.ts';

const behind = (header: 'x-forwarded-for' | 'forwarded') => ({
  trustedProxies: new CidrSet(['10.0.0.0/8', '2001:db8::/32']),
  header,
});

const head = (lines: string) => requestHead('GET / HTTP/1.0', lines);

describe('clientAddress', () => {
  it('is the peer, whatever it says, unless the peer is a trusted proxy', () => {
    const headers = head('x-forwarded-for: 203.0.113.1');
    const nobody = { trustedProxies: new CidrSet([]), header: 'x-forwarded-for' } as const;
    assert.equal(clientAddress('192.0.2.1', headers, behind('x-forwarded-for')), '192.0.2.1');
    assert.equal(clientAddress('::ffff:192.0.2.1', headers, nobody), '192.0.2.1');
    assert.equal(clientAddress('10.0.0.1', head(''), behind('x-forwarded-for')), '10.0.0.1');
  });

  it('is the right-most address that is no trusted proxy', () => {
    const given = (values: string[]): string =>
      clientAddress(
        '::ffff:10.0.0.1',
        head(values.map((value) => `X-Forwarded-For: ${value}`).join('\n')),
        behind('x-forwarded-for'),
      );
    assert.equal(given(['6.6.6.6, 203.0.113.1, 10.0.0.2']), '203.0.113.1');
    assert.equal(given(['6.6.6.6', '203.0.113.1:5555', '[2001:db8::2]:80']), '203.0.113.1');
    assert.equal(given(['10.0.0.3, 10.0.0.2']), '10.0.0.3');
    assert.equal(given(['203.0.113.1, unknown, 10.0.0.2']), '10.0.0.2');
  });

  it('has one spelling, however a proxy spells it', () => {
    const given = (hop: string): string =>
      clientAddress('10.0.0.1', head(`x-forwarded-for: ${hop}`), behind('x-forwarded-for'));
    for (const hop of [
      '203.0.113.9',
      '::ffff:203.0.113.9',
      '::FFFF:cb00:7109',
      '[0:0:0:0:0:ffff:CB00:7109]:80',
      '0000:0000:0000:0000:0000:ffff:203.0.113.9',
    ])
      assert.equal(given(hop), '203.0.113.9', hop);
    for (const hop of ['2001:DB9::a:1', '[2001:0db9:0:0:0:0:A:1]:80', '2001:db9::a:1%eth0'])
      assert.equal(given(hop), '2001:db9::a:1', hop);
  });

  it('reads RFC 7239 where the Gateway says so', () => {
    const headers = head(`
      x-forwarded-for: 6.6.6.6
      Forwarded: for=7.7.7.7, For="[2001:db9::1]:80";proto=http, for=10.0.0.9`);
    assert.equal(clientAddress('10.0.0.1', headers, behind('forwarded')), '2001:db9::1');
    assert.equal(
      clientAddress('10.0.0.1', head('forwarded: for=1.1.1.1, by=x'), behind('forwarded')),
      '10.0.0.1',
    );
  });
});
