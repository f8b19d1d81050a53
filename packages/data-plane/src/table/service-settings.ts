/** A Service of the snapshot, read once, so that connections meet plain values only. */

import { type CompiledService, Protocol } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import type { SharedMap } from '@causeway/router/shared-map';

import type { UpstreamProtocol } from '../upstream/endpoint-pool.ts';
import type { ServiceSettings } from '../upstream/service-handle.ts';
import { readBalancing } from './read-balancing.ts';
import type { CertificateEntry } from './certificate-entry.ts';
import { readActiveCheck, readPassiveSettings } from './health-settings.ts';
import { readGate } from './read-resilience.ts';
import { certificatesOfTls, readUpstreamTls } from './read-upstream-tls.ts';

/** Throws UnknownChoice for a Service that this version cannot run, an Error for one that is not whole. */
export function readServiceSettings(
  service: CompiledService,
  certificates: SharedMap<CertificateEntry> | undefined,
): ServiceSettings {
  const { protocol, pool, connectTimeoutMs, tls } = service;
  const spoken = readProtocol(protocol);
  if (pool === undefined) throw new Error('pool is missing');
  // Neither guessed nor ignored: what was meant to be encrypted must never go out in the clear.
  if ((spoken === 'https' || spoken === 'h2') !== (tls !== undefined))
    throw new Error(tls === undefined ? 'tls is missing' : 'tls without a TLS protocol');
  // The supervisor makes them when the table is live, which is too late to refuse what nobody can make.
  readActiveCheck(service);
  const { connectionsMax, waitingMax, idleTimeoutMs, requestsPerConnectionMax, maxAgeMs } = pool;
  return {
    protocol: spoken,
    connectTimeoutMs,
    connectionsMax,
    waitingMax,
    idleTimeoutMs,
    requestsPerConnectionMax,
    ageMaxMs: maxAgeMs,
    tls: tls && readUpstreamTls(tls, certificates),
    grpcMessageBytesMax: Number(service.grpc?.messageBytesMax ?? 0n),
    balancing: readBalancing(service),
    passive: readPassiveSettings(service),
    ...readGate(service),
  };
}

function readProtocol(protocol: Protocol): UpstreamProtocol {
  switch (protocol) {
    case Protocol.HTTP:
      return 'http';
    case Protocol.HTTPS:
      return 'https';
    case Protocol.H2C:
      return 'h2c';
    case Protocol.H2:
      return 'h2';
    default:
      throw new UnknownChoice(`protocol ${protocol}`);
  }
}

/** Names of the Certificates that a Service refers to, `namespace/name`. */
export function certificatesOf({ tls }: CompiledService): readonly string[] {
  return tls === undefined ? [] : certificatesOfTls(tls);
}
