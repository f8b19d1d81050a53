/** What authentication filters have in common: they find credentials, and tell who shows them. */

import type { KnownConsumer } from './consumers.ts';
import type { Filter, FilterExchange, Refusal, Sooner, Verdict } from './filter.ts';
import type { Identity } from './identity.ts';

export interface AuthenticationFilter<State = unknown> extends Filter<State> {
  /** A request without credentials passes, as anybody's. */
  readonly isOptional: boolean;
  /** What a client without credentials is told to bring (RFC 9110 section 11.6.1). */
  readonly challenge: string;
  /** Whether the request carries credentials of this filter's sort, good or bad. */
  hasCredentials(exchange: FilterExchange): boolean;
  /** For who shows no credentials: a way to get some, in place of the challenge. Undefined: there is none for this request. */
  invite?(exchange: FilterExchange): Sooner<Verdict>;
  /** It answers the request itself, such as one that ends a login, whatever credentials are there. */
  isAddressed?(exchange: FilterExchange): boolean;
  /** What upstreams get as Authorization is its word for it that somebody was let in. */
  readonly setsAuthorization?: boolean;
  /** What stands in Authorization are the credentials that it looks at, or it sees to it. */
  checksAuthorization?(exchange: FilterExchange): boolean;
  /** Takes away what a client says of itself in the place of the filter, with credentials or without. */
  removeForgeries?(exchange: FilterExchange): void;
  /**
   * Keeps them from an upstream that shall not have them. The filter does so itself of those whom it lets in: who is refused, and passes because
   * the filter is only tried out, goes on as he came.
   */
  removeCredentials?(exchange: FilterExchange): void;
}

/** 401; `challenges` as WWW-Authenticate wants them. */
export function unauthenticated(challenges: readonly string[], detail: string): Refusal {
  const fields = challenges.flatMap((challenge) => ['www-authenticate', challenge]);
  return { kind: 'refusal', reason: 'unauthenticated', detail, fields };
}

const disabled: Refusal = { kind: 'refusal', reason: 'forbidden', detail: 'This consumer is disabled.' };
const contradictory: Refusal = {
  kind: 'refusal',
  reason: 'forbidden',
  detail: 'The credentials are those of two different consumers.',
};

/** The credentials are those of the Consumer: the request is its own, unless it may not call. `credentials`: see `Identity`. */
export function admitConsumer(
  exchange: FilterExchange,
  consumer: KnownConsumer,
  credentials?: string,
): Refusal | undefined {
  if (consumer.disabled) return disabled;
  const { namespace, name, groups, limits } = consumer;
  return admit(exchange, {
    consumer: name,
    namespace,
    isConsumer: true,
    limits,
    groups,
    scopes: [],
    claims: {},
    ...(credentials !== undefined && { credentials }),
  });
}

/** Several filters complete each other; but what two Consumers of one namespace have is nobody's. */
export function admit(exchange: FilterExchange, identity: Identity): Refusal | undefined {
  const before = exchange.identity;
  const isOther =
    before?.isConsumer === true &&
    identity.isConsumer &&
    before.namespace === identity.namespace &&
    before.consumer !== identity.consumer;
  if (isOther) return contradictory;
  exchange.identify(identity);
  return undefined;
}
