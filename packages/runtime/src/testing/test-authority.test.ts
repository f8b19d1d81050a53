import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { TestAuthority } from './test-authority.ts';

describe('TestAuthority', () => {
  it('issues certificates that its own one verifies, with their key, names and dates', async () => {
    const authority = await TestAuthority.create();
    const notAfter = new Date('2020-01-01T00:00:00Z');
    const notBefore = new Date('2019-01-01T00:00:00Z');
    const issued = await authority.issue({ names: ['a.test', '127.0.0.1'], notBefore, notAfter });
    const leaf = new X509Certificate(issued.certificate);
    const root = new X509Certificate(authority.certificate);
    assert.ok(leaf.verify(root.publicKey) && leaf.checkIssued(root) && root.ca && !leaf.ca);
    assert.ok(leaf.checkPrivateKey(createPrivateKey(issued.key)));
    assert.equal(leaf.checkHost('a.test'), 'a.test');
    assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1');
    assert.deepEqual([leaf.validFromDate, leaf.validToDate], [notBefore, notAfter]);
  });
});
