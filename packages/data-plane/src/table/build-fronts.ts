/** What the ports of a table want of connections before the first request: PROXY protocol and TLS. */

import type { SharedMap } from '@causeway/router/shared-map';
import { assert } from '@causeway/runtime/assert';

import type { ListenerFront } from '../listen/arrival.ts';
import type { Staples } from '../listen/tls/ocsp/staples.ts';
import type { TicketKeys } from '../listen/tls/ticket-keys.ts';
import { TlsAcceptor, type TlsParts } from '../listen/tls/tls-acceptor.ts';
import { socketKey } from './build-sockets.ts';
import { type CertificateEntry, namedCertificate, pairOf } from './certificate-entry.ts';
import type { GatewaySettings, ListenerSpec } from './gateway-settings.ts';
import type { Table } from './table.ts';

/** What all TLS ports of a node share, whatever the table. */
export interface SharedTls {
  readonly ticketKeys: TicketKeys;
  readonly staples: Staples;
}

export interface FrontSource {
  readonly gateway: GatewaySettings;
  readonly certificates: SharedMap<CertificateEntry> | undefined;
  /** "namespace/name" of those that have come, changed or gone. */
  readonly changedCertificates: ReadonlySet<string>;
  readonly shared: SharedTls;
}

/**
 * By socket key. A port that nothing has changed for keeps its front: making one reads every certificate of it. One that cannot be
 * made is told to `onProblem` with its first listener; then the result is not to be used.
 */
export function buildFronts(
  previous: Table | undefined,
  source: FrontSource,
  onProblem: (listener: ListenerSpec, error: unknown) => void,
): ReadonlyMap<string, ListenerFront> {
  const fronts = new Map<string, ListenerFront>();
  for (const [key, listeners] of Map.groupBy(source.gateway.listeners, socketKey)) {
    const [first] = listeners;
    assert(first, 'a group has a member');
    const before = previous?.sockets.get(key);
    if (before !== undefined && isUnchanged(previous!, source, listeners)) {
      fronts.set(key, before.front);
      continue;
    }
    try {
      fronts.set(key, buildFront(listeners, source));
    } catch (error) {
      onProblem(first, error);
    }
  }
  return fronts;
}

function isUnchanged(
  previous: Table,
  { gateway, changedCertificates }: FrontSource,
  listeners: readonly ListenerSpec[],
): boolean {
  if (previous.gateway !== gateway) return false;
  return !listeners.some(({ tls }) =>
    [...(tls?.certificates ?? []), ...(tls?.trust ?? [])].some((name) => changedCertificates.has(name)),
  );
}

/** The listeners of one port agree on everything but their hosts and certificates: validation sees to it. */
function buildFront(listeners: readonly ListenerSpec[], source: FrontSource): ListenerFront {
  const { proxyProtocol, http2, tls } = listeners[0]!;
  if (listeners.some((other) => (other.tls === undefined) !== (tls === undefined)))
    throw new Error('one port cannot speak both http and https');
  if (tls === undefined) return { proxyProtocol, http2, tls: undefined };
  const names = new Set(listeners.flatMap((listener) => listener.tls?.certificates ?? []));
  const { ocspStapling, ...settings } = tls;
  const { ticketKeys, staples } = source.shared;
  const parts: TlsParts = {
    ...settings,
    http2,
    staples: ocspStapling ? staples : undefined,
    certificates: Array.from(names, (name) => pairOf(namedCertificate(source.certificates, name))),
    trust: tls.trust.map((name) => namedCertificate(source.certificates, name).chain),
  };
  return { proxyProtocol, http2, tls: new TlsAcceptor(parts, ticketKeys.current) };
}
