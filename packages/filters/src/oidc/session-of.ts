/** What the tokens of a provider make of a user, once they have been checked. */

import { randomBytes } from 'node:crypto';

import type { TokenVerifier } from '../jwt/token-verifier.ts';
import type { LoginSession } from './login-session.ts';
import type { GrantedTokens } from './provider.ts';

export interface SessionBasis {
  /** The session that is refreshed; undefined: a login. */
  readonly before: LoginSession | undefined;
  /** That the login was begun with. */
  readonly nonce: string | undefined;
  readonly scopes: readonly string[];
  readonly ttlMs: number;
  /** The access token is needed later. */
  readonly keepsToken: boolean;
  readonly nowMs: number;
}

/** `forbidden`: the user is known, and lacks a claim. `detail`: a whole sentence, without a word of the token. */
export type SessionFault =
  | { readonly fault: 'forbidden' }
  | { readonly fault: 'invalid'; readonly detail: string }
  | { readonly fault: 'unavailable' };

/** So long before the tokens end newer ones are asked for; of short-lived ones a part of their life. */
const refreshMsMax = 60_000;
const refreshPart = 0.2;
/** Tokens with a shorter life are taken for so long, where there is a refresh token: else every request would ask. */
const lifeMsMin = 1000;

/** OpenID Connect Core sections 3.1.3.7 and 12.2. */
export async function sessionOf(
  verifier: TokenVerifier,
  tokens: GrantedTokens,
  basis: SessionBasis,
): Promise<LoginSession | SessionFault> {
  const { before, nowMs, ttlMs, keepsToken, scopes } = basis;
  const idToken = tokens.idToken ?? before?.idToken;
  if (idToken === undefined) return invalid('The provider gave no ID token.');
  const claims =
    tokens.idToken === undefined ? before!.claims : await checkedClaims(verifier, idToken, basis);
  if ('fault' in claims) return claims as unknown as SessionFault;
  const refreshToken = tokens.refreshToken ?? before?.refreshToken;
  const beganMs = before?.beganMs ?? nowMs;
  const endsAtMs = before?.endsAtMs ?? beganMs + ttlMs;
  const lifeMs = lifeOf(tokens, claims, nowMs, refreshToken !== undefined);
  if (lifeMs <= 0) return invalid('The login that the provider gave is over already.');
  const validUntilMs = Math.min(nowMs + lifeMs, endsAtMs);
  const aheadMs = refreshToken === undefined ? 0 : Math.min(refreshMsMax, lifeMs * refreshPart);
  return {
    id: before?.id ?? randomBytes(16).toString('base64url'),
    idToken,
    claims,
    accessToken: keepsToken ? tokens.accessToken : undefined,
    refreshToken,
    scopes: tokens.scope?.split(' ').filter((scope) => scope !== '') ?? before?.scopes ?? scopes,
    askedScopes: before?.askedScopes ?? scopes,
    beganMs,
    refreshAtMs: validUntilMs - aheadMs,
    validUntilMs,
    endsAtMs,
  };
}

function lifeOf(
  { lifeSeconds, idToken }: GrantedTokens,
  claims: Readonly<Record<string, unknown>>,
  nowMs: number,
  canRefresh: boolean,
): number {
  const told = lifeSeconds === undefined ? undefined : lifeSeconds * 1000;
  const ofIdToken = idToken === undefined ? lifeMsMin : Number(claims['exp']) * 1000 - nowMs;
  const lifeMs = told ?? ofIdToken;
  return canRefresh ? Math.max(lifeMs, lifeMsMin) : lifeMs;
}

async function checkedClaims(
  verifier: TokenVerifier,
  idToken: string,
  { before, nonce }: SessionBasis,
): Promise<Readonly<Record<string, unknown>>> {
  const outcome = await verifier.verify(idToken);
  if ('lacksClaim' in outcome) return { fault: 'forbidden' };
  if ('fault' in outcome)
    return outcome.fault === 'unavailable'
      ? outcome
      : invalid(`The ID token of the provider is not good: ${outcome.detail}`);
  const { claims } = outcome;
  const { sub, aud, azp } = claims;
  if (typeof sub !== 'string' || sub === '') return invalid('The ID token of the provider names nobody.');
  const isForOthersToo = Array.isArray(aud) && aud.length > 1;
  if ((azp !== undefined || isForOthersToo) && azp !== verifier.settings.clientId)
    return invalid('The ID token of the provider was made for another client.');
  if (before === undefined && claims['nonce'] !== nonce)
    return invalid('The ID token of the provider is that of another login.');
  if (before !== undefined && sub !== before.claims['sub'])
    return invalid('The provider gave the tokens of somebody else.');
  return claims;
}

function invalid(detail: string): { readonly fault: 'invalid'; readonly detail: string } {
  return { fault: 'invalid', detail };
}
