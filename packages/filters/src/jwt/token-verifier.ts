/** Whether a token is good: what its issuer says of it, by one AuthProvider. */

import { hash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose';

import type { RequestSource } from '../request-source.ts';
import { meetsClaims, type RequiredClaim } from './claims.ts';
import { type KeySet, type KeySets, readKeySet } from './key-sets.ts';
import { TokenCache } from './token-cache.ts';

export interface VerifierSettings {
  /** "namespace/name" */
  readonly name: string;
  readonly issuer: string;
  /** Empty: every one. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  /** A JWK Set as JSON, or where the keys are from. */
  readonly keys: { readonly jwks: string } | { readonly source: string };
  readonly leewayMs: number;
  readonly requiresExpiry: boolean;
  readonly tokenBytesMax: number;
  readonly sources: readonly RequestSource[];
  readonly consumerClaim: string;
  readonly groupsClaim: string;
  readonly scopesClaim: string;
  readonly requiredClaims: readonly RequiredClaim[];
  readonly claimHeaders: readonly { readonly header: string; readonly claim: string }[];
  /** Of the gateway at the issuer; undefined: nobody can log in. */
  readonly clientId: string | undefined;
}

/** A good token. */
export interface VerifiedToken {
  readonly claims: Readonly<JWTPayload>;
  /** Milliseconds since 1970, with the leeway; Infinity: never. */
  readonly expiresAtMs: number;
}

/** Why a token is not good: whole sentences, without a word of the token. */
export type TokenFault =
  /** `lacksClaim`: all else about it is good. */
  | { readonly fault: 'invalid'; readonly detail: string; readonly lacksClaim?: true }
  | { readonly fault: 'unavailable' };

export type TokenOutcome = VerifiedToken | TokenFault;

const unavailable: TokenFault = { fault: 'unavailable' };
const tooLarge: TokenFault = { fault: 'invalid', detail: 'The token is too large.' };
/** Tokens that are being checked at once; each waits for a thread of the runtime's pool, or for keys. */
const checksMax = 1000;

export class TokenVerifier {
  readonly settings: VerifierSettings;
  readonly #keySets: KeySets;
  readonly #wallMs: () => number;
  readonly #inline: KeySet | undefined;
  readonly #options: JWTVerifyOptions;
  readonly #cache = new TokenCache<VerifiedToken>();
  #cachedFor: KeySet | undefined;
  #idTokens: TokenVerifier | undefined;
  readonly #checks = new Map<string, Promise<TokenOutcome>>();

  constructor(settings: VerifierSettings, keySets: KeySets, wallMs: () => number) {
    this.settings = settings;
    this.#keySets = keySets;
    this.#wallMs = wallMs;
    this.#inline = 'jwks' in settings.keys ? readKeySet(settings.keys.jwks) : undefined;
    const { issuer, audiences, algorithms, leewayMs, requiresExpiry } = settings;
    this.#options = {
      issuer,
      algorithms: [...algorithms],
      clockTolerance: leewayMs / 1000,
      ...(audiences.length > 0 && { audience: [...audiences] }),
      ...(requiresExpiry && { requiredClaims: ['exp'] }),
    };
  }

  /** Of ID tokens for the gateway itself (OpenID Connect Core section 3.1.3.7); undefined: nobody can log in. */
  get idTokens(): TokenVerifier | undefined {
    const { clientId } = this.settings;
    if (clientId === undefined) return undefined;
    const settings = { ...this.settings, audiences: [clientId], requiresExpiry: true };
    return (this.#idTokens ??= new TokenVerifier(settings, this.#keySets, this.#wallMs));
  }

  /** Hot path: a token that was found good before costs a hash and a look-up, and no promise. */
  verify(token: string): TokenOutcome | Promise<TokenOutcome> {
    if (token.length > this.settings.tokenBytesMax) return tooLarge;
    const keys = this.#keys;
    if (keys !== this.#cachedFor) {
      this.#cache.clear();
      this.#cachedFor = keys;
    }
    const digest = hash('sha256', token, 'base64url');
    const known = this.#cache.get(digest);
    if (known !== undefined && known.expiresAtMs > this.#wallMs()) return known;
    const running = this.#checks.get(digest);
    if (running !== undefined) return running;
    if (this.#checks.size >= checksMax) return unavailable;
    const check = this.#check(token, digest).finally(() => this.#checks.delete(digest));
    this.#checks.set(digest, check);
    return check;
  }

  get #keys(): KeySet | undefined {
    const { keys } = this.settings;
    return this.#inline ?? ('source' in keys ? this.#keySets.get(keys.source) : undefined);
  }

  async #check(token: string, digest: string): Promise<TokenOutcome> {
    const keys = this.#keys;
    if (keys === undefined) return unavailable;
    const outcome = await this.#checkWith(keys, token);
    if (outcome !== 'unknownKey') return this.#keep(keys, digest, token, outcome);
    const newer = await this.#newerKeys(keys);
    const second = newer === undefined ? 'unknownKey' : await this.#checkWith(newer, token);
    return second === 'unknownKey'
      ? invalid('The token is signed with a key that is not known.')
      : this.#keep(newer!, digest, token, second);
  }

  async #newerKeys(than: KeySet): Promise<KeySet | undefined> {
    const { keys } = this.settings;
    if (!('source' in keys)) return undefined;
    await this.#keySets.refresh(keys.source);
    const now = this.#keys;
    return now === than ? undefined : now;
  }

  /** What was checked with keys of before is not kept. */
  #keep(keys: KeySet, digest: string, token: string, outcome: TokenOutcome): TokenOutcome {
    if (!('fault' in outcome) && keys === this.#keys && keys === this.#cachedFor)
      this.#cache.set(digest, outcome, token.length);
    return outcome;
  }

  async #checkWith(keys: KeySet, token: string): Promise<TokenOutcome | 'unknownKey'> {
    try {
      return this.#judge(await this.#verifyAny(keys, token));
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return 'unknownKey';
      return invalid(detailOf(error));
    }
  }

  /** A set may hold several keys that fit a token without kid: each is tried. */
  async #verifyAny(keys: KeySet, token: string): Promise<JWTPayload> {
    const options = { ...this.#options, currentDate: new Date(this.#wallMs()) };
    try {
      return (await jwtVerify(token, keys.find, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      for await (const key of error) {
        try {
          return (await jwtVerify(token, key, options)).payload;
        } catch (again) {
          if (!(again instanceof errors.JWSSignatureVerificationFailed)) throw again;
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }

  #judge(claims: JWTPayload): TokenOutcome {
    const missing = meetsClaims(claims, this.settings.requiredClaims);
    if (missing !== undefined)
      return { ...invalid(`The claim ${missing} has none of the values that are needed.`), lacksClaim: true };
    const expiresAtMs = claims.exp === undefined ? Infinity : claims.exp * 1000 + this.settings.leewayMs;
    return { claims, expiresAtMs };
  }
}

function invalid(detail: string): { readonly fault: 'invalid'; readonly detail: string } {
  return { fault: 'invalid', detail };
}

/** For the client: which check failed, and nothing of the token. */
function detailOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.';
  if (error instanceof errors.JWTClaimValidationFailed) return claimDetail(error);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'The token is signed with an algorithm that is not allowed.';
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'The signature of the token is not good.';
  return 'The token cannot be read.';
}

function claimDetail({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (claim === 'nbf' && reason === 'check_failed') return 'The token is not valid yet.';
  if (reason === 'missing') return `The claim ${claim} is missing.`;
  return `The claim ${claim} is not what it has to be.`;
}
