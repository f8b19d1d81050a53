/** The routing table: all that a request needs to find its way. Immutable; a node swaps it by one assignment. */

import type { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import type { Router } from '@causeway/router/router';
import type { SharedMap } from '@causeway/router/shared-map';
import { sharedGet } from '@causeway/router/shared-map';
import type { RequestRules } from '@causeway/schema/request-rules';
import type { Types } from '@causeway/transcoding/types';

import type { ListenerFront } from '../listen/arrival.ts';
import type { RedisSettings } from '../redis/redis-settings.ts';
import type { ServiceHandle } from '../upstream/service-handle.ts';
import type { CertificateEntry } from './certificate-entry.ts';
import type { ConsumerTable } from './consumer-table.ts';
import type { GatewaySettings, ListenerSpec } from './gateway-settings.ts';
import type { MatchedRoute, RouteEntry } from './route-entry.ts';
import type { SharedFilters } from './route-filters.ts';

/** A listener of the Gateway with the Routes that it carries. */
export interface TableListener {
  readonly spec: ListenerSpec;
  readonly router: Router<MatchedRoute>;
}

/** The listeners that share an address and port; requests choose among them by host. */
export interface TableSocket {
  /** `address:port`; a port of 0, which nobody can share, is followed by the listener's name. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly listeners: readonly TableListener[];
  readonly exactHosts: ReadonlyMap<string, TableListener>;
  /** By suffix, without the `*.`. */
  readonly wildcardHosts: ReadonlyMap<string, TableListener>;
  readonly everyHost: TableListener | undefined;
  /** What comes before the first request. */
  readonly front: ListenerFront;
}

export interface Table {
  readonly revision: number;
  readonly digest: Uint8Array;
  readonly gateway: GatewaySettings;
  readonly filters: SharedFilters;
  readonly consumers: ConsumerTable;
  /** By "namespace/name" of AuthProviders. */
  readonly tokenVerifiers: ReadonlyMap<string, TokenVerifier>;
  /** By "namespace/name" of ApiSpecs. */
  readonly requestRules: ReadonlyMap<string, RequestRules>;
  /** By "namespace/name" of DescriptorSets. */
  readonly descriptors: ReadonlyMap<string, Types>;
  /** Where its nodes count together; undefined: nowhere. The same object as long as nothing of it changes. */
  readonly redis: RedisSettings | undefined;
  /** By key. */
  readonly sockets: ReadonlyMap<string, TableSocket>;
  /** By `namespace/name`. */
  readonly routes: SharedMap<RouteEntry> | undefined;
  /** By `namespace/name`. */
  readonly services: SharedMap<ServiceHandle> | undefined;
  /** By `namespace/name`. */
  readonly certificates: SharedMap<CertificateEntry> | undefined;
  /** Services by `namespace/name` with the Certificates that they refer to; those without any are not in it. */
  readonly certificateUses: SharedMap<CertificateUses> | undefined;
}

/** Which Certificates a Service's connections depend on. */
export interface CertificateUses {
  readonly service: string;
  readonly certificates: readonly string[];
}

export function tableService(table: Table, name: string): ServiceHandle | undefined {
  return sharedGet(table.services, name);
}

/** The listener for a host: the one that names it, the longest `*.suffix`, the one for every host; else undefined. */
export function listenerFor(socket: TableSocket, host: string): TableListener | undefined {
  const exact = socket.exactHosts.get(host);
  if (exact !== undefined) return exact;
  if (socket.wildcardHosts.size > 0) {
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const wildcard = socket.wildcardHosts.get(host.slice(dot + 1));
      if (wildcard !== undefined) return wildcard;
    }
  }
  return socket.everyHost;
}
