import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { checkUpstreamAddress } from './address-guard.ts';

const own = new Set([8080]);

describe('checkUpstreamAddress', () => {
  it('refuses link-local addresses and metadata services, mapped into IPv6 too', () => {
    for (const address of [
      '169.254.169.254',
      '169.254.0.1',
      'fe80::1',
      '::ffff:169.254.169.254',
      'fd00:ec2::254',
      '100.100.100.200',
      '0.0.0.0',
      '::',
    ])
      assert.match(checkUpstreamAddress(address, 80, own)?.message ?? '', /link-local|metadata/, address);
    for (const address of ['10.0.0.1', '127.0.0.1', '::1', '2001:db8::1'])
      assert.equal(checkUpstreamAddress(address, 80, own), undefined, address);
  });

  it('refuses the ports of this process on its own addresses', () => {
    assert.match(checkUpstreamAddress('127.0.0.1', 8080, own)?.message ?? '', /Causeway itself/);
    assert.match(checkUpstreamAddress('::1', 8080, own)?.message ?? '', /Causeway itself/);
    assert.equal(checkUpstreamAddress('192.0.2.1', 8080, own), undefined);
  });
});
