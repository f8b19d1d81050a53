/** What Services and Routes of the snapshot say about who gets a request. Each throws UnknownChoice for what this version does not know. */

import type { RequestSource } from '@causeway/filters/request-source';
import {
  type Affinity,
  BalancingPolicy as CompiledPolicy,
  type CompiledService,
  type RequestSource as CompiledSource,
  RequestSourceKind,
  SameSite,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import type {
  AffinityCookie,
  AffinitySettings,
  BalancingPolicy,
  BalancingSettings,
} from '../upstream/balancing/balancing-settings.ts';

/** Throws an Error for a Service that is not whole. */
export function readBalancing(service: CompiledService): BalancingSettings {
  const { balancing } = service;
  if (balancing === undefined) throw new Error('balancing is missing');
  const policy = readPolicy(service.policy);
  const hash = balancing.hash && readRequestSource(balancing.hash);
  if ((policy === 'consistentHash') !== (hash !== undefined))
    throw new Error(`${policy} ${hash === undefined ? 'without' : 'with'} a hash`);
  return {
    policy,
    hash,
    boundedLoadPercent: balancing.boundedLoadPercent,
    slowStartMs: balancing.slowStartMs,
    prefersZone: balancing.preferZone,
    spillPercent: balancing.spillPercent,
    panicPercent: service.panicPercent,
    affinity: readAffinity(service.affinity),
  };
}

export function readAffinity(affinity: Affinity | undefined): AffinitySettings | undefined {
  if (affinity === undefined) return undefined;
  const { kind } = affinity;
  switch (kind.case) {
    case 'cookie': {
      const { name, ttlSeconds, path, sameSite, domain } = kind.value;
      return {
        cookie: {
          name,
          ttlSeconds,
          path,
          sameSite: readSameSite(sameSite),
          domain: domain === '' ? undefined : domain,
        },
      };
    }
    case 'by':
      return { by: readRequestSource(kind.value) };
    default:
      throw new UnknownChoice('affinity');
  }
}

function readPolicy(policy: CompiledPolicy): BalancingPolicy {
  switch (policy) {
    case CompiledPolicy.ROUND_ROBIN:
      return 'roundRobin';
    case CompiledPolicy.RANDOM:
      return 'random';
    case CompiledPolicy.LEAST_REQUEST:
      return 'leastRequest';
    case CompiledPolicy.PEAK_EWMA:
      return 'peakEwma';
    case CompiledPolicy.CONSISTENT_HASH:
      return 'consistentHash';
    case CompiledPolicy.FIRST:
      return 'first';
    default:
      throw new UnknownChoice(`balancing policy ${policy}`);
  }
}

export function readRequestSource({ kind, name }: CompiledSource): RequestSource {
  switch (kind) {
    case RequestSourceKind.ADDRESS:
      return { kind: 'address' };
    case RequestSourceKind.ROUTE:
      return { kind: 'route' };
    case RequestSourceKind.PATH:
      return { kind: 'path' };
    case RequestSourceKind.HEADER:
      return { kind: 'header', name };
    case RequestSourceKind.QUERY:
      return { kind: 'query', name };
    case RequestSourceKind.COOKIE:
      return { kind: 'cookie', name };
    case RequestSourceKind.CONSUMER:
      return { kind: 'consumer' };
    case RequestSourceKind.CLAIM:
      return { kind: 'claim', name };
    default:
      throw new UnknownChoice(`source ${kind}`);
  }
}

function readSameSite(sameSite: SameSite): AffinityCookie['sameSite'] {
  switch (sameSite) {
    case SameSite.LAX:
      return 'Lax';
    case SameSite.STRICT:
      return 'Strict';
    case SameSite.NONE:
      return 'None';
    default:
      throw new UnknownChoice(`sameSite ${sameSite}`);
  }
}
