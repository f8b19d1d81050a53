/** The live table as JSON, for people who ask what a node really does. Of a Certificate it tells the name. */

import { digestText } from '@causeway/proto/digest';
import { sharedValues } from '@causeway/router/shared-map';

import { endpointState } from '../counts/endpoint-record.ts';
import type { RedisSettings } from '../redis/redis-settings.ts';
import type { Table } from '../table/table.ts';

/** @param boundPort the real port of a socket by its key. */
export function configDump(table: Table, boundPort: (socketKey: string) => number | undefined): object {
  const { gateway } = table;
  return {
    revision: table.revision,
    digest: digestText(table.digest),
    gateway: {
      name: gateway.name,
      timeouts: gateway.timeouts,
      limits: {
        ...gateway.head,
        ...gateway.connections,
        activeRequestsMax: gateway.activeRequestsMax,
        bodyBytesMax: gateway.bodyBytesMax,
      },
      mergeSlashes: gateway.mergeSlashes,
      accessLogEnabled: gateway.accessLogEnabled,
      accessLog: gateway.accessLog,
      forwarding: gateway.forwarding,
      legacyRateLimitHeaders: gateway.legacyRateLimitHeaders,
    },
    redis: table.redis ? redisDump(table.redis) : null,
    listeners: Array.from(table.sockets.values()).flatMap(({ key, listeners }) =>
      listeners.map(({ spec }) => ({
        name: spec.name,
        address: spec.address,
        port: boundPort(key) ?? null,
        hosts: spec.hosts,
        http2: spec.http2,
        redirectToHttps: spec.redirectPort || null,
        proxyProtocol: spec.proxyProtocol,
        tls: spec.tls ?? null,
      })),
    ),
    routes: Array.from(sharedValues(table.routes), ({ name, listeners, rules, backends }) => ({
      name,
      listeners,
      matches: rules.map(({ hosts, path, methods, headers, query, cookies }) => ({
        hosts,
        path,
        methods,
        headers,
        query,
        cookies,
      })),
      backends: backends.map(({ service, weight }) => ({ service, weight })),
    })),
    services: Array.from(sharedValues(table.services), ({ name, protocol, endpointsVersion, endpoints }) => ({
      name,
      protocol,
      endpointsVersion,
      endpoints: endpoints.map(({ id, address, port, weight, pool, held }) => ({
        id,
        address,
        port,
        weight,
        health: endpointState(held.record),
        activeRequests: pool.activeRequests,
      })),
    })),
    certificates: Array.from(sharedValues(table.certificates), ({ name, key }) => ({
      name,
      hasKey: key !== undefined,
    })),
  };
}

function redisDump({ addresses, isCluster, database, timeoutMs, keyPrefix, tls }: RedisSettings): object {
  return { addresses, isCluster, database, timeoutMs, keyPrefix, isEncrypted: tls !== undefined };
}
