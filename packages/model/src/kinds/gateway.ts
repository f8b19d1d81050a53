import type { z } from 'zod';
import {
  choice,
  cidr,
  duration,
  flag,
  headSize,
  hostPattern,
  integer,
  ipAddress,
  list,
  listenPort,
  name,
  object,
  size,
} from '../fields.ts';
import { filterList, middlewareReferences } from '../filters/filter-item.ts';
import { plannedFilterFields } from '../filters/filter-kinds.ts';
import { filterProblems } from '../filters/filter-rules.ts';
import { entriesOf, type Kind, writeVerbs } from './kind.ts';

const counted = (description: string) => integer('a number', description, 0, 10_000_000);

const listener = object(
  {
    name,
    address: ipAddress.default('0.0.0.0'),
    port: listenPort,
    protocol: choice('What clients speak.', ['http']).default('http'),
    hosts: list(hostPattern, {
      description: "Intersected with the Routes' hosts; empty = every host.",
      max: 64,
      key: '',
    }).default([]),
  },
  'A port that nodes listen on. Two listeners may share a port when their hosts differ.',
);

export const gatewaySpec = object(
  {
    listeners: list(listener, { description: 'Ports of the Gateway.', min: 1, max: 32, key: 'name' }).default(
      [{ name: 'http', address: '0.0.0.0', port: 8080, protocol: 'http', hosts: [] }],
    ),
    filters: filterList(
      'Filters of every Route of this Gateway, unless a Route replaces or removes one by its name.',
    ),
    clientAddress: object(
      {
        trustedProxies: list(cidr, {
          description:
            'Peers whose forwarding headers are believed; empty = the peer of the socket is the client.',
          max: 256,
          key: '',
        }).default([]),
        header: choice('Header that names the client.', ['x-forwarded-for', 'forwarded']).default(
          'x-forwarded-for',
        ),
      },
      'Who the client is: the right-most address that is no trusted proxy.',
    ).prefault({}),
    paths: object({ mergeSlashes: flag('Take // as /.').default(true) }, 'Path normalisation.').prefault({}),
    timeouts: object(
      {
        requestHead: duration.default('10s').describe('Until the head is complete; 408 request_timeout.'),
        requestBodyIdle: duration
          .default('30s')
          .describe('No byte of a body for so long; 408 request_timeout.'),
        keepAlive: duration.default('75s').describe('Idle connections are closed after this.'),
        drainDelay: duration
          .default('5s')
          .describe('After SIGTERM: not ready, still accepting, so that load balancers notice.'),
        drain: duration.default('30s').describe('Then, for what is in flight.'),
      },
      'Time limits of the client side.',
    ).prefault({}),
    limits: object(
      {
        maxHeadSize: headSize.default('32KiB').describe('431 head_too_large.'),
        maxHeaders: integer('a number', '431 head_too_large.', 1, 1000).default(100),
        maxTargetSize: headSize.default('8KiB').describe('414 uri_too_long.'),
        maxBodySize: size
          .default('100MiB')
          .describe('413 payload_too_large; 0B = unlimited. A Route may change it.'),
        maxConnections: counted('Over: accepted and closed, counted.').default(20_000),
        maxActiveRequests: counted('0 = off; over: 503 overloaded.').default(0),
        maxConnectionsPerAddress: counted('0 = off; trusted proxies are exempt.').default(0),
        maxRequestsPerConnection: counted('Then connection: close; 0 = off.').default(10_000),
      },
      'Limits per node.',
    ).prefault({}),
    accessLog: object(
      { enabled: flag('Write one JSON line per request to stdout.').default(true) },
      'Access log.',
    ).prefault({}),
  },
  'Listeners, limits and client-side settings that nodes join by name.',
);

export type GatewaySpec = z.output<typeof gatewaySpec>;

export const gatewayKind: Kind<typeof gatewaySpec> = {
  kind: 'Gateway',
  plural: 'gateways',
  shortNames: ['gw'],
  namespaced: false,
  description:
    'Listeners, limits and client-side settings. Nodes join one by name; `default` exists without being written.',
  verbs: writeVerbs,
  spec: gatewaySpec,
  references: (spec) => middlewareReferences(entriesOf(spec, 'filters')),
  check: filterProblems,
  plannedFields: [
    'allowedRoutes',
    'forwarding',
    'redis',
    'tracing',
    'legacyRateLimitHeaders',
    'requestSamples',
    'rollout',
    'tls',
    'http2',
    'redirectToHttps',
    'proxyProtocol',
    'tlsHandshake',
    'maxPipelined',
    'maxStreamsPerConnection',
    'minBytesPerSecond',
    'rateLimitKeys',
    'cacheSize',
    'format',
    'output',
    'samplePercent',
    'redact',
    ...plannedFilterFields,
  ],
};
