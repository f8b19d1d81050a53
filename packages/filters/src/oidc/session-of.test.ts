import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeySets } from '../jwt/key-sets.ts';
import { TokenVerifier } from '../jwt/token-verifier.ts';
import { testIssuer } from '../testing/tokens.ts';
import { verifierSettings } from '../testing/verifier-settings.ts';
import type { LoginSession } from './login-session.ts';
import type { GrantedTokens } from './provider.ts';
import { type SessionBasis, type SessionFault, sessionOf } from './session-of.ts';

const issuer = await testIssuer();
const noKeys = new KeySets(() => Promise.resolve());
const verifier = new TokenVerifier(
  verifierSettings(issuer, { clientId: 'gateway', audiences: ['of others'] }),
  noKeys,
  Date.now,
).idTokens!;
const nowMs = Date.now();
const basis: SessionBasis = {
  before: undefined,
  nonce: 'n',
  scopes: ['openid'],
  ttlMs: 3_600_000,
  keepsToken: false,
  nowMs,
};
const idToken = (claims: object = {}): Promise<string> =>
  issuer.sign({ aud: 'gateway', nonce: 'n', ...claims });

async function session(
  tokens: Partial<GrantedTokens> = {},
  more: Partial<SessionBasis> = {},
): Promise<LoginSession | SessionFault> {
  const granted = {
    accessToken: 'a',
    idToken: await idToken(),
    refreshToken: undefined,
    lifeSeconds: 600,
    scope: undefined,
    ...tokens,
  };
  return sessionOf(verifier, granted, { ...basis, ...more });
}

async function good(...parameters: Parameters<typeof session>): Promise<LoginSession> {
  const made = await session(...parameters);
  assert.ok(!('fault' in made), JSON.stringify(made));
  return made;
}

async function detailOf(...parameters: Parameters<typeof session>): Promise<string> {
  const made = await session(...parameters);
  assert.ok('detail' in made);
  return made.detail;
}

describe('a session', () => {
  it('lasts as long as its tokens, or can be refreshed until its own end', async () => {
    const short = await good();
    assert.equal(short.claims['sub'], 'alice');
    assert.deepEqual(
      [short.refreshAtMs - nowMs, short.validUntilMs - nowMs, short.endsAtMs - nowMs],
      [600_000, 600_000, 3_600_000],
    );
    const long = await good({ refreshToken: 'r' });
    assert.equal(long.refreshAtMs - nowMs, 540_000);
    const brief = await good({ refreshToken: 'r', lifeSeconds: 10 });
    assert.equal(brief.refreshAtMs - nowMs, 8000);
    const capped = await good({ refreshToken: 'r', lifeSeconds: 86_400 });
    assert.equal(capped.validUntilMs, capped.endsAtMs);
    const ofIdToken = await good({
      lifeSeconds: undefined,
      idToken: await idToken({ exp: nowMs / 1000 + 60 }),
    });
    assert.ok(Math.abs(ofIdToken.validUntilMs - nowMs - 60_000) < 1);
  });

  it('is none when it would be over at once, unless it can be refreshed', async () => {
    assert.match(await detailOf({ lifeSeconds: 0 }), /is over already/);
    assert.match(await detailOf({ lifeSeconds: -5 }), /is over already/);
    const kept = await good({ lifeSeconds: 0, refreshToken: 'r' });
    assert.equal(kept.validUntilMs - nowMs, 1000);
  });

  it('is none without an ID token that was made for this client, this login and somebody', async () => {
    const bad: [object, RegExp][] = [
      [{ aud: 'of others' }, /claim aud/],
      [{ iss: 'https://evil.test/' }, /claim iss/],
      [{ nonce: 'another' }, /another login/],
      [{ nonce: undefined }, /another login/],
      [{ exp: 1 }, /expired/],
      [{ exp: undefined }, /claim exp is missing/],
      [{ sub: undefined }, /names nobody/],
      [{ sub: '' }, /names nobody/],
      [{ sub: 7 }, /names nobody/],
      [{ azp: 'another' }, /another client/],
      [{ aud: ['gateway', 'other'] }, /another client/],
    ];
    for (const [claims, detail] of bad)
      assert.match(await detailOf({ idToken: await idToken(claims) }), detail, JSON.stringify(claims));
    await good({ idToken: await idToken({ aud: ['gateway', 'other'], azp: 'gateway' }) });
    assert.match(await detailOf({ idToken: undefined }), /gave no ID token/);
    const stranger = await testIssuer();
    const forged = await stranger.sign({ aud: 'gateway', nonce: 'n' });
    assert.match(await detailOf({ idToken: forged }), /signature/);
  });

  it('stays that of its user, and keeps what a refresh does not bring', async () => {
    const first = await good({ refreshToken: 'r', scope: 'openid orders' });
    assert.deepEqual(first.scopes, ['openid', 'orders']);
    const later = { before: first, nonce: undefined, nowMs: nowMs + 1000 };
    const second = await good({ idToken: undefined, lifeSeconds: 60 }, later);
    assert.deepEqual(
      [second.id, second.idToken, second.refreshToken, second.scopes, second.endsAtMs],
      [first.id, first.idToken, 'r', first.scopes, first.endsAtMs],
    );
    assert.equal(second.validUntilMs - nowMs, 61_000);
    const third = await good({ refreshToken: 's', idToken: await idToken({ groups: ['new'] }) }, later);
    assert.deepEqual([third.refreshToken, third.claims['groups']], ['s', ['new']]);
    assert.match(await detailOf({ idToken: await idToken({ sub: 'bob' }) }, later), /somebody else/);
  });
});
