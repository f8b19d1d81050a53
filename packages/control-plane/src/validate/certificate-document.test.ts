import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { Problem } from '@causeway/model/problem';
import { validateDocument } from '@causeway/model/validate-document';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

const problemsOf = (spec: unknown): readonly Problem[] =>
  validateDocument({
    apiVersion: 'causeway/v1',
    kind: 'Certificate',
    metadata: { name: 'www' },
    spec,
  }).problems ?? [];

/** Code, pointer and detail of the only problem. */
function problem(spec: unknown): string[] {
  const [found, ...more] = problemsOf(spec);
  assert.ok(found && more.length === 0, JSON.stringify([found, ...more]));
  return [found.code, found.pointer, found.detail];
}

describe('a Certificate that is written', () => {
  let authority: TestAuthority;
  let www: IssuedCertificate;
  let other: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    www = await authority.issue({ names: ['www.example.com'] });
    other = await authority.issue({ names: ['other.example.com'] });
  });

  it('takes a chain with its key, a bundle without one, and text around the blocks', () => {
    const chain = `Bag Attributes\r\n${www.certificate}subject=CN = Test\n${authority.certificate}`;
    for (const spec of [
      { certificate: chain, key: www.key },
      { certificate: chain, key: '(hidden)' },
      { certificate: chain, key: { secret: 'tls', key: 'tls.key' } },
      { certificate: authority.certificate },
    ])
      assert.deepEqual(problemsOf(spec), []);
  });

  it('refuses what is no chain, and says which certificate is at fault', () => {
    const broken = authority.certificate.replace(/\n[^-\n]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
    const cases: [unknown, string, string][] = [
      [undefined, 'missing', 'required: certificates in PEM form'],
      [7, 'wrong_type', 'not a text of certificates in PEM form'],
      ['', 'bad_format', 'holds no certificate in PEM form'],
      [www.certificate + broken, 'bad_format', 'certificate 2 of 2 cannot be read'],
      [www.certificate.slice(0, -30), 'bad_format', 'certificate 1 has no end'],
      [www.certificate + www.key, 'bad_format', 'holds a private key, which belongs in "key"'],
      [
        www.certificate.replaceAll('CERTIFICATE', 'X509 CRL'),
        'bad_format',
        'holds a PEM block that is not a CERTIFICATE',
      ],
      ['x'.repeat(524_289), 'out_of_range', 'longer than 512KiB'],
    ];
    for (const [certificate, code, detail] of cases)
      assert.deepEqual(problem({ certificate }), [code, '/spec/certificate', detail]);
  });

  it('refuses a key that does not belong to the first certificate', () => {
    const notLeaf = { certificate: authority.certificate + www.certificate, key: www.key };
    for (const spec of [{ ...www, key: other.key }, notLeaf])
      assert.deepEqual(problem(spec), [
        'bad_format',
        '/spec/key',
        'does not belong to the first certificate of the chain',
      ]);
  });

  it('refuses what is no key, or one that nobody can open', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const encrypted = privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'p',
    });
    const { certificate } = www;
    const complaint = 'is encrypted; write it without a passphrase';
    assert.deepEqual(problem({ certificate, key: encrypted }), ['bad_format', '/spec/key', complaint]);
    assert.deepEqual(problem({ certificate, key: 'none' }).slice(1), [
      '/spec/key',
      'is not a private key in PEM form',
    ]);
    assert.deepEqual(problem({ certificate, key: 7 }).slice(1), [
      '/spec/key',
      'neither a string nor {secret, key}',
    ]);
    assert.deepEqual(problem({ certificate, key: { secret: 'a' } }).slice(0, 2), [
      'missing',
      '/spec/key/key',
    ]);
    const unknown = problem({ certificate, key: { secret: 'a', key: 'b', kay: 'c' } });
    assert.deepEqual(unknown.slice(0, 2), ['unknown_field', '/spec/key/kay']);
  });

  it('never shows a key, wherever it was written', () => {
    const body = www.key.split('\n')[1]!;
    for (const spec of [
      { certificate: www.key },
      { certificate: www.certificate + www.key },
      { certificate: other.certificate, key: www.key },
      { certificate: other.certificate, key: [www.key] },
      { certificate: other.certificate, key: { secret: www.key, key: www.key } },
      { certificate: { pem: www.key } },
      www.key,
    ])
      assert.ok(!JSON.stringify(problemsOf(spec)).includes(body.slice(0, 16)), JSON.stringify(spec));
  });
});
