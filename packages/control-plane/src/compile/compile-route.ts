import { create } from '@bufbuild/protobuf';
import { pathOf, type RouteSpec } from '@causeway/model/kinds/route';
import { type Retry as RetrySpec, retryGrpcCodes } from '@causeway/model/kinds/route-retry';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { statusRange } from '@causeway/model/status-class';
import type { Compiled } from '@causeway/proto/compiled';
import {
  CompiledRouteSchema,
  EncodedCharacter,
  type Match,
  MatchSchema,
  type Retry,
  RetrySchema,
  type ValuePredicate,
  ValuePredicateSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { Entry } from '../store/resource-index.ts';
import { compileAffinity } from './compile-affinity.ts';
import { compileFilters } from './compile-filters.ts';
import { compileStreams } from './compile-streams.ts';

/** Compiles a Route for one of its Gateways: which listeners of that Gateway carry it depends on the Gateway. */
export function compileRoute(entry: Entry, gateway: string): Compiled {
  const spec = entry.effective as RouteSpec;
  const { namespace, name } = entry.resource.metadata;
  return {
    kind: 'route',
    key: entry.key,
    value: create(CompiledRouteSchema, {
      name: qualifiedName(namespace, name),
      listeners: listenersOf(spec, gateway),
      hosts: spec.hosts,
      matches: spec.matches.map(compileMatch),
      priority: spec.priority,
      allowEncoded: spec.allowEncoded.map((character) => encodedCharacters[character]),
      backends: spec.backends.map(({ service, weight }) => ({
        service: qualifiedName(namespace, service),
        weight,
      })),
      ...(spec.affinity && { affinity: compileAffinity(spec.affinity) }),
      timeouts: {
        requestMs: durationMs(spec.timeouts.request),
        backendRequestMs: durationMs(spec.timeouts.backendRequest),
        responseHeadMs: durationMs(spec.timeouts.responseHead),
        idleMs: durationMs(spec.timeouts.idle),
        streamIdleMs: durationMs(spec.timeouts.streamIdle),
      },
      ...(spec.retry && { retry: compileRetry(spec.retry) }),
      filters: compileFilters(spec.filters, { namespace, key: entry.key }),
      ...(spec.limits.maxBodySize === undefined
        ? {}
        : { bodyBytesMax: BigInt(sizeBytes(spec.limits.maxBodySize)) }),
      activeRequestsMax: spec.limits.maxActiveRequests,
      ...compileStreams(spec),
    }),
  };
}

function compileRetry(retry: RetrySpec): Retry {
  return create(RetrySchema, {
    attempts: retry.attempts,
    connectFailure: retry.errors.includes('connectFailure'),
    reset: retry.errors.includes('reset'),
    timeout: retry.errors.includes('timeout'),
    statuses: retry.statuses.map(statusRange),
    grpcCodes: retry.grpcCodes.map((code) => retryGrpcCodes[code]),
    methods: retry.methods,
    backoffMs: durationMs(retry.backoff),
    maxBackoffMs: durationMs(retry.maxBackoff),
    bodyBytesMax: BigInt(sizeBytes(retry.maxBodySize)),
  });
}

/** Listeners of a Gateway that a Route names; empty = all, as soon as one entry names the Gateway alone. */
function listenersOf(spec: RouteSpec, gateway: string): string[] {
  const named = spec.gateways.map((reference) => reference.split('/')).filter(([name]) => name === gateway);
  return named.some(([, listener]) => listener === undefined) ? [] : named.map(([, listener]) => listener!);
}

const encodedCharacters = {
  slash: EncodedCharacter.SLASH,
  backslash: EncodedCharacter.BACKSLASH,
  question: EncodedCharacter.QUESTION,
  hash: EncodedCharacter.HASH,
  semicolon: EncodedCharacter.SEMICOLON,
} as const;

function compileMatch(match: RouteSpec['matches'][number]): Match {
  return create(MatchSchema, {
    path: oneCase(pathOf(match)),
    methods: match.methods,
    headers: match.headers.map(compilePredicate),
    query: match.query.map(compilePredicate),
    cookies: match.cookies.map(compilePredicate),
  });
}

type Predicate = RouteSpec['matches'][number]['headers'][number];

function compilePredicate({ name, ...way }: Predicate): ValuePredicate {
  return create(ValuePredicateSchema, {
    name,
    way: oneCase(way) as Exclude<ValuePredicate['way'], { case: undefined }>,
  });
}

/** A union that is spelled by its key, as protobuf's tagged form. Validation has seen that one key is given. */
function oneCase<T extends object>(union: T): { case: keyof T & string; value: NonNullable<T[keyof T]> } {
  const [[key, value]] = Object.entries(union).filter(([, given]) => given !== undefined) as [
    [keyof T & string, NonNullable<T[keyof T]>],
  ];
  return { case: key, value };
}
