import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { createAnyOfFilter } from '../any-of.ts';
import type { JWK, JWTPayload } from 'jose';

import { type ConsumerLookup, type KnownConsumer, noConsumers } from '../consumers.ts';
import type { Refusal, Verdict } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { rawToken, type TestIssuer, testIssuer } from '../testing/tokens.ts';
import { verifierSettings } from '../testing/verifier-settings.ts';
import { JwtFilter, type JwtSettings } from './jwt.ts';
import { KeySets } from './key-sets.ts';
import { TokenVerifier, type VerifierSettings } from './token-verifier.ts';

const open: JwtSettings = {
  providers: ['default/corp'],
  optional: false,
  scopes: [],
  claims: [],
  consumerRequired: false,
  removesCredentials: false,
};

const noKeys = new KeySets(() => Promise.resolve());

function verifierOf(
  by: TestIssuer,
  settings: Partial<VerifierSettings> = {},
  keySets = noKeys,
): TokenVerifier {
  return new TokenVerifier(verifierSettings(by, settings), keySets, Date.now);
}

interface Asked {
  readonly verdict: Verdict;
  readonly owner: FakeOwner;
}

async function ask(
  token: string | undefined,
  verifier: TokenVerifier,
  settings: Partial<JwtSettings> = {},
  prepare: (owner: FakeOwner) => void = () => {},
): Promise<Asked> {
  const owner = new FakeOwner(new FilterChain([]));
  owner.verifiers.set('default/corp', verifier);
  if (token !== undefined) owner.headers.set('authorization', `Bearer ${token}`);
  prepare(owner);
  return { verdict: await new JwtFilter('jwt', { ...open, ...settings }).onRequestHead(owner), owner };
}

function reasonOf(verdict: Verdict): string | undefined {
  return (verdict as Refusal | undefined)?.reason;
}

function challengeOf(verdict: Verdict): string | undefined {
  return (verdict as Refusal | undefined)?.fields?.[1];
}

const issuer = await testIssuer();
const seconds = (): number => Math.floor(Date.now() / 1000);

describe('a token', () => {
  for (const alg of ['ES256', 'RS256', 'PS256', 'EdDSA'])
    it(`of ${alg} lets its bearer in, and says who it is`, async () => {
      const by = await testIssuer('https://id.test/', alg);
      const token = await by.sign({ groups: ['gold', 'a,b'], scope: 'orders.read orders.write' });
      const { verdict, owner } = await ask(token, verifierOf(by));
      assert.equal(verdict, undefined);
      assert.equal(owner.identity?.consumer, 'corp/alice');
      assert.deepEqual(owner.identity.groups, ['gold']);
      assert.deepEqual(owner.identity.scopes, ['orders.read', 'orders.write']);
      assert.equal(owner.expiries.length, 1);
    });

  const bad: [string, JWTPayload, RegExp][] = [
    ['that has expired', { exp: seconds() - 31 }, /expired/],
    ['without exp', { exp: undefined } as unknown as JWTPayload, /exp is missing/],
    ['that is not valid yet', { nbf: seconds() + 60 }, /not valid yet/],
    ['of another issuer', { iss: 'https://other.test/' }, /iss is not/],
    ['of an issuer that is nearly ours', { iss: 'https://id.test' }, /iss is not/],
    ['for somebody else', { aud: 'other' }, /aud is not/],
    ['for nobody', { aud: undefined } as unknown as JWTPayload, /aud is missing/],
    ['whose exp is a text', { exp: 'soon' } as unknown as JWTPayload, /exp is not/],
  ];
  for (const [what, claims, detail] of bad)
    it(`${what} is refused`, async () => {
      const { verdict } = await ask(await issuer.sign(claims), verifierOf(issuer));
      assert.equal(reasonOf(verdict), 'unauthenticated');
      assert.match(challengeOf(verdict) ?? '', /^Bearer realm="causeway", error="invalid_token", /);
      assert.match((verdict as Refusal).detail ?? '', detail);
    });

  it('is taken within the leeway of clocks', async () => {
    for (const claims of [{ exp: seconds() - 20 }, { nbf: seconds() + 20 }])
      assert.equal((await ask(await issuer.sign(claims), verifierOf(issuer))).verdict, undefined);
  });

  it('for one of several audiences is taken, and for any where every one may be', async () => {
    const token = await issuer.sign({ aud: ['x', 'api'] });
    assert.equal((await ask(token, verifierOf(issuer))).verdict, undefined);
    const other = await issuer.sign({ aud: 'y' });
    assert.equal((await ask(other, verifierOf(issuer, { audiences: [] }))).verdict, undefined);
  });

  const now = { iss: 'https://id.test/', aud: 'api', sub: 'alice', exp: seconds() + 3600 };
  const publicPem = createPublicKey({
    key: (JSON.parse(issuer.jwks) as { keys: [JWK] }).keys[0],
    format: 'jwk',
  }).export({ format: 'pem', type: 'spki' });
  const confused = rawToken({ alg: 'HS256', kid: 'k1' }, now);
  const mac = createHmac('sha256', publicPem).update(confused.slice(0, -1)).digest('base64url');
  const forged: [string, string | Promise<string>][] = [
    ['without a signature', rawToken({ alg: 'none' }, now)],
    ['of alg NONE', rawToken({ alg: 'NONE', kid: 'k1' }, now, 'x')],
    ['signed with the public key as a secret', `${confused}${mac}`],
    [
      'with a critical header that nobody knows',
      issuer
        .sign({}, { crit: ['x'], x: 1 })
        .catch(() => rawToken({ alg: 'ES256', kid: 'k1', crit: ['x'], x: 1 }, now, 'AA')),
    ],
    [
      'whose key would be fetched from its jku',
      rawToken({ alg: 'ES256', kid: 'zz', jku: 'http://127.0.0.1:1/' }, now, 'AA'),
    ],
    ['with a key of its own', rawToken({ alg: 'ES256', jwk: { kty: 'EC' } }, now, 'AA')],
    ['with a path for a kid', rawToken({ alg: 'ES256', kid: '../../dev/null' }, now, 'AA')],
    ['with a statement for a kid', rawToken({ alg: 'ES256', kid: "' OR 1=1 --" }, now, 'AA')],
    ['that is none', 'abc'],
    ['of three empty parts', '..'],
    ['of five parts', 'a.b.c.d.e'],
    [
      'whose payload was changed',
      issuer
        .sign()
        .then((token) =>
          token.replace(
            /\.[^.]+\./,
            `.${Buffer.from(JSON.stringify({ ...now, sub: 'root' })).toString('base64url')}.`,
          ),
        ),
    ],
    ['whose signature is cut', issuer.sign().then((token) => token.slice(0, -4))],
    ['of another key with our kid', testIssuer().then((other) => other.sign())],
  ];
  for (const [what, token] of forged)
    it(`${what} is refused`, async () => {
      const { verdict, owner } = await ask(await token, verifierOf(issuer));
      assert.equal(reasonOf(verdict), 'unauthenticated');
      assert.equal(owner.identity, undefined);
    });

  it('that is too large is refused before anybody looks at it', async () => {
    const token = await issuer.sign({ x: 'a'.repeat(9000) });
    const { verdict } = await ask(token, verifierOf(issuer));
    assert.match((verdict as Refusal).detail ?? '', /too large/);
  });

  it('of a good kind is refused where the algorithm is not listed', async () => {
    const { verdict } = await ask(await issuer.sign(), verifierOf(issuer, { algorithms: ['RS256'] }));
    assert.equal(reasonOf(verdict), 'unauthenticated');
  });

  it('of a shared secret is taken where such are', async () => {
    const secret = Buffer.from('a secret of at least 32 bytes, as HS256 asks').toString('base64url');
    const jwks = JSON.stringify({ keys: [{ kty: 'oct', k: secret, alg: 'HS256' }] });
    const head = rawToken({ alg: 'HS256' }, now);
    const signed = createHmac('sha256', Buffer.from(secret, 'base64url'))
      .update(head.slice(0, -1))
      .digest('base64url');
    const verifier = verifierOf({ ...issuer, jwks }, { algorithms: ['HS256'] });
    assert.equal((await ask(`${head}${signed}`, verifier)).verdict, undefined);
    assert.equal(reasonOf((await ask(`${head}${mac}`, verifier)).verdict), 'unauthenticated');
  });

  it('without kid is tried with every key that fits', async () => {
    const second = await testIssuer();
    const keys = [issuer, second].flatMap(({ jwks }) => (JSON.parse(jwks) as { keys: object[] }).keys);
    const jwks = JSON.stringify({ keys: keys.map((key) => ({ ...key, kid: undefined })) });
    const verifier = verifierOf({ ...issuer, jwks });
    for (const by of [issuer, second])
      assert.equal((await ask(await by.sign({}, { kid: undefined }), verifier)).verdict, undefined);
    const stranger = await testIssuer();
    assert.equal(reasonOf((await ask(await stranger.sign(), verifier)).verdict), 'unauthenticated');
  });

  it('costs no promise when it was found good before, and is judged anew when it has expired', async () => {
    const verifier = verifierOf(issuer, { leewayMs: 0 });
    const token = await issuer.sign({ exp: seconds() + 2 });
    assert.ok(verifier.verify(token) instanceof Promise);
    await verifier.verify(token);
    assert.ok(!(verifier.verify(token) instanceof Promise));
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const late = await verifier.verify(token);
    assert.ok('fault' in late);
  });
});

describe('keys that are fetched', () => {
  it('are unavailable, not bad, before there are any', async () => {
    const verifier = verifierOf(issuer, { keys: { source: 's' } }, new KeySets(() => Promise.resolve()));
    const { verdict } = await ask(await issuer.sign(), verifier);
    assert.equal(reasonOf(verdict), 'auth_unavailable');
  });

  it('are fetched anew for a key that is not known, once for all who ask', async () => {
    const next = await testIssuer('https://id.test/', 'ES256', 'k2');
    let fetches = 0;
    const keySets = new KeySets(async () => {
      fetches += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      keySets.learn({ source: 's', jwks: next.jwks });
    });
    keySets.learn({ source: 's', jwks: issuer.jwks });
    const verifier = verifierOf(issuer, { keys: { source: 's' } }, keySets);
    const tokens = await Promise.all([1, 2, 3].map((n) => next.sign({ n })));
    const verdicts = await Promise.all(tokens.map((token) => ask(token, verifier)));
    assert.deepEqual(
      verdicts.map(({ verdict }) => verdict),
      [undefined, undefined, undefined],
    );
    assert.equal(fetches, 1);
  });

  it('take the tokens of those that are gone with them', async () => {
    const keySets = new KeySets(() => Promise.resolve());
    keySets.learn({ source: 's', jwks: issuer.jwks });
    const verifier = verifierOf(issuer, { keys: { source: 's' } }, keySets);
    const token = await issuer.sign();
    assert.equal((await ask(token, verifier)).verdict, undefined);
    keySets.learn({ source: 's', jwks: (await testIssuer('https://id.test/', 'ES256', 'k9')).jwks });
    assert.equal(reasonOf((await ask(token, verifier)).verdict), 'unauthenticated');
  });
});

describe('the jwt filter', () => {
  it('asks for a token, and lets nobody in without one unless that is optional', async () => {
    const { verdict } = await ask(undefined, verifierOf(issuer));
    assert.deepEqual(
      [reasonOf(verdict), challengeOf(verdict)],
      ['unauthenticated', 'Bearer realm="causeway"'],
    );
    const anonymous = await ask(undefined, verifierOf(issuer), { optional: true });
    assert.deepEqual([anonymous.verdict, anonymous.owner.identity], [undefined, undefined]);
    const spoilt = await ask('abc', verifierOf(issuer), { optional: true });
    assert.equal(reasonOf(spoilt.verdict), 'unauthenticated');
  });

  it('takes the scheme in any case, and leaves other schemes to others', async () => {
    const token = await issuer.sign();
    const lower = await ask(undefined, verifierOf(issuer), {}, (owner) =>
      owner.headers.set('authorization', `bEARER  ${token}`),
    );
    assert.equal(lower.verdict, undefined);
    const basic = await ask(undefined, verifierOf(issuer), { optional: true }, (owner) =>
      owner.headers.set('authorization', 'Basic YTpi'),
    );
    assert.equal(basic.verdict, undefined);
  });

  it('reads query and cookie where it is told to, the first that is there', async () => {
    const sources = [
      { kind: 'cookie', name: 'session' },
      { kind: 'query', name: 'token' },
    ] as const;
    const verifier = verifierOf(issuer, { sources });
    const token = await issuer.sign();
    const byCookie = await ask(undefined, verifier, { removesCredentials: true }, (owner) => {
      owner.headers.set('cookie', `a=1; session=${token}; b=2`);
      owner.upstreamFields = ['Cookie', `a=1; session=${token}; b=2`];
    });
    assert.deepEqual([byCookie.verdict, byCookie.owner.upstreamFields], [undefined, ['cookie', 'a=1; b=2']]);
    const byQuery = await ask(undefined, verifier, {}, (owner) => {
      owner.query = `token=${token}`;
    });
    assert.equal(byQuery.verdict, undefined);
  });

  it('asks for scopes and claims, and says which scopes', async () => {
    const token = await issuer.sign({ scope: 'a', org: { id: 7 } });
    const lacking = await ask(token, verifierOf(issuer), { scopes: ['a', 'b'] });
    assert.equal(reasonOf(lacking.verdict), 'forbidden');
    assert.match(challengeOf(lacking.verdict) ?? '', /error="insufficient_scope", scope="a b"$/);
    const claims = [{ claim: 'org.id', values: [6, 7] }];
    assert.equal((await ask(token, verifierOf(issuer), { scopes: ['a'], claims })).verdict, undefined);
    const other = [{ claim: 'org.id', values: ['7'] }];
    assert.equal(reasonOf((await ask(token, verifierOf(issuer), { claims: other })).verdict), 'forbidden');
  });

  it('finds the Consumer of a token, refuses a disabled one, and demands one where it must', async () => {
    const acme: KnownConsumer = { namespace: 'default', name: 'acme', groups: ['gold'], disabled: false };
    const lookup = (consumer: KnownConsumer): ConsumerLookup => ({
      ...noConsumers,
      byToken: (_namespace: string, _provider: string, value: string) =>
        value === 'alice' ? consumer : undefined,
    });
    const known = await ask(
      await issuer.sign({ groups: ['x'] }),
      verifierOf(issuer),
      { consumerRequired: true },
      (owner) => {
        owner.consumers = lookup(acme);
      },
    );
    assert.equal(known.verdict, undefined);
    assert.deepEqual([known.owner.identity?.consumer, known.owner.identity?.groups], ['acme', ['gold', 'x']]);
    const gone = await ask(await issuer.sign(), verifierOf(issuer), {}, (owner) => {
      owner.consumers = lookup({ ...acme, disabled: true });
    });
    assert.equal(reasonOf(gone.verdict), 'forbidden');
    const stranger = await ask(await issuer.sign({ sub: 'bob' }), verifierOf(issuer), {
      consumerRequired: true,
    });
    assert.equal(reasonOf(stranger.verdict), 'forbidden');
  });

  it('tells the upstream claims, and never what the client says of them', async () => {
    const claimHeaders = [
      { header: 'x-user-id', claim: 'sub' },
      { header: 'x-roles', claim: 'roles' },
    ];
    const verifier = verifierOf(issuer, { claimHeaders });
    const forgedFields = ['X-User-Id', 'root', 'x_user_id', 'root', 'X-Roles', 'admin', 'a', 'b'];
    const { owner } = await ask(await issuer.sign({ roles: ['r1', 'r2'] }), verifier, {}, (each) => {
      each.upstreamFields = [...forgedFields];
    });
    assert.deepEqual(owner.upstreamFields, ['a', 'b', 'x-user-id', 'alice', 'x-roles', 'r1,r2']);
    const anonymous = await ask(undefined, verifier, { optional: true }, (each) => {
      each.upstreamFields = [...forgedFields];
    });
    assert.deepEqual(anonymous.owner.upstreamFields, ['a', 'b']);
    const nasty = await ask(await issuer.sign({ sub: 'a\r\nx: y' }), verifier);
    assert.deepEqual(
      [nasty.verdict, nasty.owner.upstreamFields, nasty.owner.identity?.consumer],
      [undefined, [], undefined],
    );
  });

  it('lets no client speak for it in an anyOf that another way decides, and names of any spelling', async () => {
    const claimHeaders = [{ header: 'x_user_id', claim: 'sub' }];
    const owner = new FakeOwner(new FilterChain([]));
    owner.verifiers.set('default/corp', verifierOf(issuer, { claimHeaders }));
    owner.upstreamFields = ['X-User-Id', 'root', 'x_user_id', 'root', 'a', 'b'];
    const anyOf = createAnyOfFilter('any', [new JwtFilter('jwt', { ...open, optional: true })]);
    assert.equal(await anyOf.onRequestHead?.(owner, undefined as never), undefined);
    assert.deepEqual(owner.upstreamFields, ['a', 'b']);
  });

  it('keeps every copy of a token from the upstream where it is to have none; a refused one goes on in a trial as it came', async () => {
    const sources = [
      { kind: 'header', name: 'authorization' },
      { kind: 'query', name: 't' },
    ] as const;
    const verifier = verifierOf(issuer, { sources });
    const settings = { removesCredentials: true };
    for (const token of ['nonsense', await issuer.sign()]) {
      const isGood = token !== 'nonsense';
      const { owner, verdict } = await ask(token, verifier, settings, (each) => {
        each.query = `t=${token}&a=1`;
        each.upstreamFields = ['authorization', `Bearer ${token}`];
      });
      assert.equal(reasonOf(verdict), isGood ? undefined : 'unauthenticated');
      assert.deepEqual(owner.upstreamFields, isGood ? [] : ['authorization', `Bearer ${token}`]);
      assert.equal(owner.upstreamQuery, isGood ? 'a=1' : `t=${token}&a=1`);
    }
  });

  it('chooses among providers by the issuer that the token names', async () => {
    const other = await testIssuer('https://other.test/');
    const filter = new JwtFilter('jwt', { ...open, providers: ['default/corp', 'default/other'] });
    const owner = new FakeOwner(new FilterChain([]));
    owner.verifiers.set('default/corp', verifierOf(issuer));
    owner.verifiers.set('default/other', verifierOf(other, { name: 'default/other' }));
    owner.headers.set('authorization', `Bearer ${await other.sign()}`);
    assert.equal(await filter.onRequestHead(owner), undefined);
    assert.equal(owner.identity?.consumer, 'other/alice');
  });
});
