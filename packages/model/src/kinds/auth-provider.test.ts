import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';

import type { Problem } from '../problem.ts';
import { validateDocument } from '../validate-document.ts';

const least = { issuer: 'https://id.test/', audiences: ['api'] };

function problemsOf(spec: object): Problem[] {
  const metadata = { name: 'a' };
  return (
    validateDocument({
      apiVersion: 'causeway/v1',
      kind: 'AuthProvider',
      metadata,
      spec: { ...least, ...spec },
    }).problems ?? []
  );
}

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKey = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'a' };
const privateKey = pair.privateKey.export({ format: 'jwk' });
const shortKey = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
const secretKey = { kty: 'oct', k: 'a secret that nobody may ever see in a complaint' };

describe('AuthProvider', () => {
  const good: [string, object][] = [
    ['discovery', {}],
    ['keys by https', { jwks: { uri: 'https://id.test/keys' } }],
    ['keys from this machine', { jwks: { uri: 'http://127.0.0.1:9000/keys' } }],
    ['public keys', { algorithms: ['ES256'], jwks: { keys: [publicKey] } }],
    ['a shared secret', { algorithms: ['HS256'], jwks: { keys: [secretKey] } }],
    [
      'one that stands in a Secret',
      { algorithms: ['HS256'], jwks: { keys: [{ kty: 'oct', k: { secret: 's', key: 'k' } }] } },
    ],
    [
      'an issuer that is no URL, with keys of its own',
      { issuer: 'corp', jwks: { uri: 'https://id.test/keys' } },
    ],
    [
      'all that it takes',
      {
        leeway: '60s',
        requireExpiry: false,
        from: ['cookie:t', 'query:t'],
        requiredClaims: { 'org.id': [1, 2], a: true },
        claimHeaders: { 'x-user': 'sub' },
      },
    ],
  ];
  for (const [what, spec] of good) it(`takes ${what}`, () => assert.deepEqual(problemsOf(spec), []));

  const bad: [string, object, string][] = [
    ['no audience', { audiences: [] }, '/spec/audiences out_of_range'],
    ['keys over plain HTTP', { jwks: { uri: 'http://id.test/keys' } }, '/spec/jwks/uri bad_format'],
    ['a password in a URL', { jwks: { uri: 'https://a:b@id.test/' } }, '/spec/jwks/uri bad_format'],
    ['a file', { jwks: { uri: 'file:///etc/passwd' } }, '/spec/jwks/uri bad_format'],
    ['two places of keys', { jwks: { uri: 'https://id.test/', discovery: {} } }, '/spec/jwks exclusive'],
    ['discovery at an issuer that is no URL', { issuer: 'corp' }, '/spec/issuer bad_format'],
    ['none', { algorithms: ['none'] }, '/spec/algorithms/0 bad_format'],
    [
      'secrets beside public keys',
      { algorithms: ['HS256', 'ES256'], jwks: { keys: [publicKey] } },
      '/spec/algorithms exclusive',
    ],
    [
      'secrets that would be fetched',
      { algorithms: ['HS256'], jwks: { uri: 'https://id.test/' } },
      '/spec/algorithms not_allowed_here',
    ],
    [
      'a public key as a secret',
      { algorithms: ['HS256'], jwks: { keys: [publicKey] } },
      '/spec/jwks/keys/0/kty not_allowed_here',
    ],
    [
      'a secret as a public key',
      { algorithms: ['ES256'], jwks: { keys: [secretKey] } },
      '/spec/jwks/keys/0/kty not_allowed_here',
    ],
    [
      'a private key',
      { algorithms: ['ES256'], jwks: { keys: [privateKey] } },
      '/spec/jwks/keys/0 bad_format',
    ],
    [
      'a short RSA key',
      { algorithms: ['RS256'], jwks: { keys: [shortKey] } },
      '/spec/jwks/keys/0 bad_format',
    ],
    [
      'a kid twice',
      { algorithms: ['ES256'], jwks: { keys: [publicKey, publicKey] } },
      '/spec/jwks/keys/1/kid duplicate',
    ],
    [
      'a secret without its text',
      { algorithms: ['HS256'], jwks: { keys: [{ kty: 'oct' }] } },
      '/spec/jwks/keys/0/k missing',
    ],
    ['a leeway of minutes', { leeway: '2m' }, '/spec/leeway out_of_range'],
    ['a token in a path', { from: ['path'] }, '/spec/from/0 bad_format'],
    [
      'a client secret without a client',
      { clientSecret: 'a secret that nobody sees' },
      '/spec/clientId missing',
    ],
    [
      'a login at an issuer that is no URL',
      { issuer: 'corp', clientId: 'x', jwks: { uri: 'https://id.test/' } },
      '/spec/issuer bad_format',
    ],
  ];
  for (const [what, spec, expected] of bad)
    it(`refuses ${what}, and repeats no secret`, () => {
      const problems = problemsOf(spec);
      assert.deepEqual(
        problems.map(({ pointer, code }) => `${pointer} ${code}`),
        [expected],
      );
      assert.doesNotMatch(JSON.stringify(problems), /a secret that nobody/);
      assert.ok(!JSON.stringify(problems).includes(String(privateKey.d)));
    });
});
