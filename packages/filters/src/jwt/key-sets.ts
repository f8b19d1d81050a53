/** Public keys of issuers, as a worker holds them: its supervisor fetches them. */

import { createLocalJWKSet, type CryptoKey, errors, importJWK, type JWK, type JWTVerifyGetKey } from 'jose';

/** Keys that were fetched. */
export interface KeySetChange {
  /** The place that they are from, as `keySourceId` says. */
  readonly source: string;
  /** A JWK Set as JSON. */
  readonly jwks: string;
}

/** Keys of one moment; other keys are another object. */
export interface KeySet {
  readonly find: JWTVerifyGetKey;
}

/** A larger set is cut. */
const keysMax = 100;

/** Throws for what is no JWK Set. Keys that cannot check signatures are left out (RFC 7517 section 5). */
export function readKeySet(jwks: string): KeySet {
  const { keys } = JSON.parse(jwks) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('not a JWK Set: keys is no list');
  const usable = keys.filter(isForSignatures).slice(0, keysMax);
  const secrets = usable.filter(({ kty }) => kty === 'oct');
  if (secrets.length > 0) return { find: secretFinder(secrets) };
  return { find: createLocalJWKSet({ keys: usable }) };
}

function isForSignatures(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null || !('kty' in key) || typeof key.kty !== 'string') return false;
  return !('use' in key) || key.use === undefined || key.use === 'sig';
}

/** As `createLocalJWKSet` does it, which knows no secrets. */
function secretFinder(secrets: readonly JWK[]): JWTVerifyGetKey {
  return ({ kid, alg }) => {
    const fitting = secrets.filter(
      (key) => (key.kid === undefined || kid === undefined || key.kid === kid) && (key.alg ?? alg) === alg,
    );
    const [only] = fitting;
    if (only === undefined) throw new errors.JWKSNoMatchingKey();
    if (fitting.length === 1) return importJWK(only, alg);
    const several = new errors.JWKSMultipleMatchingKeys();
    several[Symbol.asyncIterator] = async function* () {
      for (const key of fitting) yield (await importJWK(key, alg)) as CryptoKey;
    };
    throw several;
  };
}

/** Asks for newer keys; resolves when they are there, or when there will be none for now. */
export type RefreshKeys = (source: string) => Promise<void>;

export class KeySets {
  readonly #refresh: RefreshKeys;
  readonly #sets = new Map<string, KeySet>();
  readonly #refreshing = new Map<string, Promise<void>>();

  constructor(refresh: RefreshKeys) {
    this.#refresh = refresh;
  }

  /** Undefined: none have ever been fetched. */
  get(source: string): KeySet | undefined {
    return this.#sets.get(source);
  }

  learn({ source, jwks }: KeySetChange): void {
    this.#sets.set(source, readKeySet(jwks));
  }

  /** A token names a key that is not in the set. Many that ask at once wait for the same answer. */
  refresh(source: string): Promise<void> {
    const running = this.#refreshing.get(source);
    if (running !== undefined) return running;
    const begun = this.#refresh(source)
      .catch(() => {})
      .finally(() => this.#refreshing.delete(source));
    this.#refreshing.set(source, begun);
    return begun;
  }
}
