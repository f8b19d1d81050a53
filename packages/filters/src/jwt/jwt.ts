/** Lets in who has a good token (RFC 7519), and tells how to get one as RFC 6750 says. */

import { admit, type AuthenticationFilter } from '../authentication.ts';
import type { ConsumerLookup } from '../consumers.ts';
import { hideCredential, isAuthorization, readCredential, removeCredential } from '../credentials.ts';
import { removeLookalikes } from '../fields.ts';
import type { FilterExchange, Refusal, Sooner, Verdict } from '../filter.ts';
import type { RequestSource } from '../request-source.ts';
import { type Bearer, makeBearer } from './bearer.ts';
import { meetsClaims, type RequiredClaim } from './claims.ts';
import type { TokenFault, TokenOutcome, TokenVerifier, VerifiedToken } from './token-verifier.ts';

export interface JwtSettings {
  /** "namespace/name" of AuthProviders. */
  readonly providers: readonly string[];
  readonly optional: boolean;
  readonly scopes: readonly string[];
  readonly claims: readonly RequiredClaim[];
  readonly consumerRequired: boolean;
  readonly removesCredentials: boolean;
}

/** A token where it was found. */
interface FoundToken {
  readonly token: string;
  readonly source: RequestSource;
  readonly verifier: TokenVerifier;
}

const challenge = 'Bearer realm="causeway"';
const noToken: Refusal = {
  kind: 'refusal',
  reason: 'unauthenticated',
  detail: 'A token is needed.',
  fields: ['www-authenticate', challenge],
};
const unavailable: Refusal = { kind: 'refusal', reason: 'auth_unavailable', fields: ['retry-after', '1'] };
const disabled: Refusal = { kind: 'refusal', reason: 'forbidden', detail: 'This consumer is disabled.' };
const unknownConsumer: Refusal = {
  kind: 'refusal',
  reason: 'forbidden',
  detail: 'The token belongs to no consumer of this gateway.',
};

export class JwtFilter implements AuthenticationFilter {
  readonly kind = 'jwt';
  readonly name: string;
  readonly demands: string;
  readonly isOptional: boolean;
  readonly challenge = challenge;
  readonly #settings: JwtSettings;
  /** By token, as it was verified. */
  readonly #bearers = new WeakMap<VerifiedToken, Bearer>();

  constructor(name: string, settings: JwtSettings) {
    this.name = name;
    this.demands = `jwt ${JSON.stringify(settings)}`;
    this.#settings = settings;
    this.isOptional = settings.optional;
  }

  hasCredentials(exchange: FilterExchange): boolean {
    return this.#find(exchange) !== undefined;
  }

  checksAuthorization(exchange: FilterExchange): boolean {
    return isAuthorization(this.#find(exchange)?.source);
  }

  /** Of every token that it looks at, wherever it stands. */
  removeCredentials(exchange: FilterExchange): void {
    if (!this.#settings.removesCredentials) return;
    for (const source of this.#sources(exchange))
      if (readCredential(source, 'bearer', exchange) !== undefined) removeCredential(source, exchange);
  }

  hideSecrets(exchange: FilterExchange): void {
    for (const source of this.#sources(exchange)) hideCredential(source, exchange);
  }

  /** Hot path: for a token that was found good before there is no promise. */
  onRequestHead(exchange: FilterExchange): Sooner<Verdict> {
    this.removeForgeries(exchange);
    const found = this.#find(exchange);
    if (found === undefined) return this.#settings.optional ? undefined : noToken;
    const outcome = found.verifier.verify(found.token);
    if (outcome instanceof Promise) return outcome.then((settled) => this.#admit(exchange, found, settled));
    return this.#admit(exchange, found, outcome);
  }

  /** Fields that the gateway says of the caller: nobody else may, whether a token follows or not. */
  removeForgeries(exchange: FilterExchange): void {
    for (const provider of this.#settings.providers)
      for (const { header } of exchange.tokenVerifier(provider)?.settings.claimHeaders ?? [])
        removeLookalikes(exchange.upstreamFields, header);
  }

  #sources(exchange: FilterExchange): readonly RequestSource[] {
    const { providers } = this.#settings;
    const sourcesOf = (provider: string) => exchange.tokenVerifier(provider)?.settings.sources ?? [];
    // Hot path: hardly anybody has several.
    return providers.length === 1 ? sourcesOf(providers[0]!) : providers.flatMap(sourcesOf);
  }

  /** Of several providers the one whose issuer the token names; the first one for a token that names none of them. */
  #find(exchange: FilterExchange): FoundToken | undefined {
    let first: FoundToken | undefined;
    for (const provider of this.#settings.providers) {
      const verifier = exchange.tokenVerifier(provider);
      const found = verifier && findToken(verifier, exchange);
      if (found === undefined) continue;
      if (this.#settings.providers.length === 1 || issuerOf(found.token) === verifier!.settings.issuer)
        return found;
      first ??= found;
    }
    return first;
  }

  #admit(exchange: FilterExchange, { verifier }: FoundToken, outcome: TokenOutcome): Verdict {
    if ('fault' in outcome) return refusalOf(outcome);
    const { scopes, claims, consumerRequired } = this.#settings;
    const { identity, consumer, fields } = this.#bearerOf(exchange.consumers, verifier, outcome);
    if (consumer?.disabled === true) return disabled;
    if (consumerRequired && consumer === undefined) return unknownConsumer;
    if (!scopes.every((scope) => identity.scopes.includes(scope))) return lacksScope(scopes);
    if (meetsClaims(outcome.claims, claims) !== undefined) return lacksClaim;
    const refusal = admit(exchange, identity);
    if (refusal !== undefined) return refusal;
    this.removeCredentials(exchange);
    if (outcome.expiresAtMs !== Infinity) exchange.expireAt(outcome.expiresAtMs);
    if (fields.length > 0) exchange.upstreamFields.push(...fields);
    return undefined;
  }

  #bearerOf(consumers: ConsumerLookup, { settings }: TokenVerifier, token: VerifiedToken): Bearer {
    const known = this.#bearers.get(token);
    if (known?.consumers === consumers) return known;
    const bearer = makeBearer(consumers, settings, token.claims);
    this.#bearers.set(token, bearer);
    return bearer;
  }
}

function findToken(verifier: TokenVerifier, exchange: FilterExchange): FoundToken | undefined {
  for (const source of verifier.settings.sources) {
    const token = readCredential(source, 'bearer', exchange);
    if (token !== undefined) return { token, source, verifier };
  }
  return undefined;
}

/** What the token says of itself, checked by nobody yet: good for choosing who checks it. */
function issuerOf(token: string): unknown {
  const [, payload = ''] = token.split('.', 2);
  try {
    return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iss?: unknown } | null)?.iss;
  } catch {
    return undefined;
  }
}

function refusalOf(fault: TokenFault): Refusal {
  if (fault.fault === 'unavailable') return unavailable;
  return {
    kind: 'refusal',
    reason: 'unauthenticated',
    detail: fault.detail,
    fields: ['www-authenticate', `${challenge}, error="invalid_token", error_description="${fault.detail}"`],
  };
}

/** RFC 6750 section 3.1. */
function lacksScope(scopes: readonly string[]): Refusal {
  const needed = scopes.join(' ').replaceAll(/["\\]/g, '');
  return {
    kind: 'refusal',
    reason: 'forbidden',
    detail: 'The token does not grant what is needed here.',
    fields: ['www-authenticate', `${challenge}, error="insufficient_scope", scope="${needed}"`],
  };
}

const lacksClaim: Refusal = {
  kind: 'refusal',
  reason: 'forbidden',
  detail: 'The token does not say what is needed here.',
};
