/** Who the bearer of a good token is. */

import { byteString } from '../byte-string.ts';
import type { ConsumerLookup, KnownConsumer } from '../consumers.ts';
import { claimAt, claimText, type Identity } from '../identity.ts';
import { claimWords } from './claims.ts';
import type { VerifierSettings } from './token-verifier.ts';

/** What a good token makes of its bearer, for as long as the Consumers are the same. */
export interface Bearer {
  readonly consumers: ConsumerLookup;
  readonly identity: Identity;
  readonly consumer: KnownConsumer | undefined;
  /** Flat: what goes upstream of its claims. */
  readonly fields: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

/** `scopes`: granted besides those of the claims. */
export function makeBearer(
  consumers: ConsumerLookup,
  settings: VerifierSettings,
  claims: Claims,
  scopes: readonly string[] = [],
): Bearer {
  const [namespace = '', provider = ''] = settings.name.split('/');
  const value = claimAt(claims, settings.consumerClaim);
  const named = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  const consumer = named === undefined ? undefined : consumers.byToken(namespace, provider, named);
  const identity: Identity = {
    consumer: consumer?.name ?? dynamicName(provider, named),
    namespace,
    isConsumer: consumer !== undefined,
    limits: consumer?.limits,
    groups: [...new Set([...(consumer?.groups ?? []), ...words(claims, settings.groupsClaim)])],
    scopes: [...new Set([...scopes, ...words(claims, settings.scopesClaim, ' ')])],
    claims,
  };
  const fields = settings.claimHeaders.flatMap(({ header, claim }) => {
    const text = claimText(claims, claim);
    return text === undefined || forHeader(text) === undefined ? [] : [header, text];
  });
  return { consumers, identity, consumer, fields };
}

const nameBytesMax = 256;

/** Whose token fits no Consumer is known all the same: by the provider and what it says. */
function dynamicName(provider: string, named: string | undefined): string | undefined {
  const text = named === undefined || named === '' ? undefined : forHeader(byteString(named));
  return text === undefined || text.length > nameBytesMax ? undefined : `${provider}/${text}`;
}

/** Names in a list are separated by commas, and stand in a header. */
function words(claims: Claims, path: string, separator?: string): readonly string[] {
  return claimWords(claims, path, separator)
    .map(byteString)
    .filter((word) => forHeader(word) !== undefined && !word.includes(','));
}

function forHeader(text: string): string | undefined {
  return /[\u0000-\u001f\u007f]/.test(text) ? undefined : text;
}
