import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';

import { readStapledCertificate } from './stapled-certificate.ts';

const ocspResponder = 'http://ocsp.test:8080/a?b';

describe('who is asked about a certificate', () => {
  let authority: TestAuthority;
  let leaf: string;
  before(async () => {
    authority = await TestAuthority.create();
    leaf = (await authority.issue({ names: ['www.test'], ocspResponder })).certificate;
  });

  async function named(url: string) {
    const { certificate } = await authority.issue({ names: ['www.test'], ocspResponder: url });
    return readStapledCertificate(certificate + authority.certificate);
  }

  it('is the responder that it names, about the issuer that stands anywhere behind it', async () => {
    const stranger = await TestAuthority.create();
    for (const chain of [authority.certificate, stranger.certificate + authority.certificate]) {
      const read = readStapledCertificate(leaf + chain);
      assert.ok(typeof read !== 'string', 'somebody can be asked');
      const { fingerprint, issuer, responder } = read;
      assert.equal(responder.href, ocspResponder);
      assert.equal(issuer.fingerprint256, new X509Certificate(authority.certificate).fingerprint256);
      const colons = new X509Certificate(leaf).fingerprint256;
      assert.equal(fingerprint, colons.replaceAll(':', '').toLowerCase());
    }
    const quoted = await named('http://ocsp.test/a"b, OCSP - URI:http://x.test');
    assert.ok(typeof quoted !== 'string' && quoted.responder.hostname === 'ocsp.test');
  });

  it('is nobody where one of these is missing', async () => {
    const stranger = await TestAuthority.create();
    const issuerMissing = 'its chain does not hold the certificate of its issuer';
    assert.equal(readStapledCertificate(leaf), issuerMissing);
    assert.equal(readStapledCertificate(leaf + stranger.certificate), issuerMissing);
    const { certificate } = await authority.issue({ names: ['www.test'] });
    assert.equal(readStapledCertificate(certificate + authority.certificate), 'it names no OCSP responder');
    for (const url of ['https://ocsp.test/', 'ldap://ocsp.test/', 'http://', 'nothing'])
      assert.equal(await named(url), 'it names no OCSP responder that speaks plain http');
    assert.equal(readStapledCertificate(''), 'it holds no certificate');
  });
});
