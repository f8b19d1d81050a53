/** Who calls, as an authentication filter has found out. */

import { byteString } from './byte-string.ts';
import type { ConsumerLimits } from './consumers.ts';

/** `consumer`, `groups` and `scopes` are byte strings that a header may hold; `claims` is JSON. */
export interface Identity {
  /**
   * Of the Consumer in the namespace of the filter, or `provider/value` for the bearer of a good token that no Consumer claims; undefined: the
   * credentials are good, and say nobody's name.
   */
  readonly consumer: string | undefined;
  /** Namespace in which `consumer` and names in rules mean something. */
  readonly namespace: string;
  /** There is an object of the name. */
  readonly isConsumer: boolean;
  /** What the Consumer is held to; absent: nothing. */
  readonly limits?: ConsumerLimits | undefined;
  /** Of the Consumer and of the claims. */
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
  /** Of the token; empty where there was none. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** A digest of credentials that go upstream and of which nothing above tells which they were; absent: there are none, or they are in Authorization. */
  readonly credentials?: string | undefined;
}

/**
 * What two authentication filters have found out about one caller. A Consumer counts before the bearer of a token, and the later of two
 * (of different namespaces: of one, the request is refused) before the earlier.
 */
export function completedIdentity(before: Identity | undefined, identity: Identity): Identity {
  if (before === undefined) return identity;
  const isNamedByLater = identity.isConsumer || (!before.isConsumer && before.consumer === undefined);
  const { consumer, namespace, isConsumer, limits, groups } = isNamedByLater ? identity : before;
  const credentials = [before.credentials, identity.credentials].filter((each) => each !== undefined);
  const more = before.namespace === identity.namespace ? [...before.groups, ...identity.groups] : groups;
  return {
    consumer,
    namespace,
    isConsumer,
    ...(limits && { limits }),
    groups: [...new Set(more)],
    scopes: [...new Set([...before.scopes, ...identity.scopes])],
    claims: { ...before.claims, ...identity.claims },
    ...(credentials.length > 0 && { credentials: credentials.join(' ') }),
  };
}

const depthMax = 16;

/** The value at a dotted path (`realm.roles`), a name with dots first (`https://example.com/role`); undefined where there is none. */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  let value: unknown = claims;
  let rest = path;
  for (let depth = 0; depth < depthMax; depth += 1) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Object.hasOwn(value, rest)) return (value as Record<string, unknown>)[rest];
    const dot = rest.indexOf('.');
    const name = rest.slice(0, dot);
    if (dot < 0 || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
    rest = rest.slice(dot + 1);
  }
  return undefined;
}

/** A claim as text, in UTF-8, one character a byte: lists of simple values joined by ","; undefined for what is none or an object. */
export function claimText(claims: Readonly<Record<string, unknown>>, path: string): string | undefined {
  const value = claimAt(claims, path);
  if (Array.isArray(value)) return value.every(isSimple) ? byteString(value.join(',')) : undefined;
  return isSimple(value) ? byteString(String(value)) : undefined;
}

function isSimple(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
