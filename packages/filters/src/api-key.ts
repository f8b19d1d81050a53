/** Lets in Consumers by their API keys. */

import { hash } from 'node:crypto';

import { type AuthenticationFilter, admitConsumer, unauthenticated } from './authentication.ts';
import type { KeyUse, KnownKey } from './consumers.ts';
import { hideCredential, isAuthorization, readCredential, removeCredential } from './credentials.ts';
import type { FilterExchange } from './filter.ts';
import type { RequestSource } from './request-source.ts';

export interface ApiKeySettings {
  /** In which keys mean something. */
  readonly namespace: string;
  /** Headers, query parameters and cookies: the first that is there decides. */
  readonly sources: readonly NamedSource[];
  readonly isOptional: boolean;
  readonly forwardsCredentials: boolean;
}

/** What it needs of its node. */
export interface KeyServices {
  readonly wallMs: () => number;
  /** A key was used, that was not told for a minute. */
  readonly onKeyUsed: (hash: Uint8Array, usedMs: number) => void;
}

/** A key is told as used no more often than this. */
const useIntervalMs = 60_000;

type NamedSource = Extract<RequestSource, { readonly name: string }>;

/** No scheme of the registry; what is in use for keys. */
const challenge = 'ApiKey realm="causeway"';
const missing = unauthenticated([challenge], 'An API key is required.');
// One sentence for every key that is not good: nobody learns whether there was one.
const refused = unauthenticated([challenge], 'The API key is not valid.');

export function createApiKeyFilter(
  name: string,
  settings: ApiKeySettings,
  { wallMs, onKeyUsed }: KeyServices,
): AuthenticationFilter {
  const { namespace, sources, isOptional, forwardsCredentials } = settings;
  const removeCredentials = (exchange: FilterExchange): void => {
    if (forwardsCredentials) return;
    // An empty parameter may stand before one that is not.
    for (const source of sources)
      if (source.kind === 'query' || keyAt(source, exchange) !== undefined)
        removeCredential(source, exchange);
  };
  return {
    kind: 'apiKey',
    name,
    isOptional,
    challenge,
    demands: `apiKey ${JSON.stringify([namespace, sources, isOptional])}`,
    hasCredentials: (exchange) => findKey(exchange, sources) !== undefined,
    checksAuthorization: (exchange) =>
      isAuthorization(sources.find((source) => keyAt(source, exchange) !== undefined)),
    removeCredentials,
    hideSecrets: (exchange) => {
      for (const source of sources) hideCredential(source, exchange);
    },
    onRequestHead(exchange) {
      const text = findKey(exchange, sources);
      if (text === undefined) return isOptional ? undefined : missing;
      const key = exchange.consumers.byKey(namespace, text);
      const nowMs = wallMs();
      if (key === undefined || !isGood(key, nowMs)) return refused;
      noteUse(key.use, nowMs, onKeyUsed);
      const credentials = forwardsCredentials ? digestOf(sources, exchange) : undefined;
      const refusal = admitConsumer(exchange, key.consumer, credentials);
      if (refusal !== undefined) return refusal;
      removeCredentials(exchange);
      if (key.expiresAtMs !== Infinity) exchange.expireAt(key.expiresAtMs);
      return undefined;
    },
  };
}

/** Hot path: hardly ever is there anything to tell. */
function noteUse(use: KeyUse | undefined, nowMs: number, tell: KeyServices['onKeyUsed']): void {
  if (use === undefined || nowMs - use.toldMs < useIntervalMs) return;
  use.toldMs = nowMs;
  tell(use.hash, nowMs);
}

function isGood({ isDisabled, expiresAtMs }: KnownKey, nowMs: number): boolean {
  return !isDisabled && nowMs < expiresAtMs;
}

function findKey(exchange: FilterExchange, sources: readonly NamedSource[]): string | undefined {
  for (const source of sources) {
    const text = keyAt(source, exchange);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Of all keys that are there, for the upstream may look at another one first. */
function digestOf(sources: readonly NamedSource[], exchange: FilterExchange): string {
  const keys = sources.map((source) => keyAt(source, exchange) ?? null);
  return hash('sha256', JSON.stringify(keys), 'base64');
}

function keyAt(source: NamedSource, exchange: FilterExchange): string | undefined {
  return readCredential(source, 'apikey', exchange) ?? readCredential(source, 'bearer', exchange);
}
