import type { z } from 'zod';
import {
  choice,
  cidr,
  duration,
  realDuration,
  flag,
  headerName,
  headSize,
  hostPattern,
  integer,
  ipAddress,
  line,
  list,
  listenPort,
  name,
  object,
  percent,
  size,
} from '../fields.ts';
import { filterList, middlewareReferences } from '../filters/filter-item.ts';
import { plannedFilterFields } from '../filters/filter-kinds.ts';
import { filterProblems } from '../filters/filter-rules.ts';
import { accessLogOutput } from './access-log-output.ts';
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

const accessLog = object(
  {
    enabled: flag('Write one line per request.').default(true),
    format: choice('Form of a line: JSON, or the common and combined formats that Apache and nginx write.', [
      'json',
      'common',
      'combined',
    ]).default('json'),
    output: accessLogOutput.default('stdout'),
    samplePercent: percent(
      'Share of the requests that are written; answers with a gateway reason or 5xx always are.',
    ).default(100),
    redact: object(
      {
        headers: list(headerName, {
          description: 'Headers whose values are written as "-".',
          max: 64,
          key: '',
        }).default(['authorization', 'cookie', 'set-cookie', 'x-api-key']),
        query: list(line('a query parameter name', 'Name of a query parameter, case-sensitive.', 256), {
          description: 'Query parameters whose values are written as "-".',
          max: 64,
          key: '',
        }).default([]),
      },
      'What must not stand in the log.',
    ).prefault({}),
  },
  'Access log of each node.',
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
    forwarding: object(
      {
        forwarded: flag('Also send RFC 7239 Forwarded; X-Forwarded-* are always sent.').default(false),
        via: flag(
          'Also send Via (RFC 9110 section 7.6.3), upstream and back; it tells both sides what stands between them.',
        ).default(false),
      },
      'What upstreams are told about the way of a request.',
    ).prefault({}),
    paths: object({ mergeSlashes: flag('Take // as /.').default(true) }, 'Path normalisation.').prefault({}),
    timeouts: object(
      {
        requestHead: realDuration.default('10s').describe('Until the head is complete; 408 request_timeout.'),
        requestBodyIdle: realDuration
          .default('30s')
          .describe('No byte of a body for so long; 408 request_timeout.'),
        keepAlive: realDuration.default('75s').describe('Idle connections are closed after this.'),
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
        maxConnections: integer(
          'a number of connections',
          'Over: accepted and closed, counted.',
          1,
          10_000_000,
        ).default(20_000),
        maxActiveRequests: counted('0 = off; over: 503 overloaded.').default(0),
        maxConnectionsPerAddress: counted('0 = off; trusted proxies are exempt.').default(0),
        maxRequestsPerConnection: counted('Then connection: close; 0 = off.').default(10_000),
        maxPipelined: integer(
          'a number of requests',
          'Requests that one connection may put in a turn of the event loop; those behind them wait for the next.',
          1,
          1000,
        ).default(16),
        maxStreamsPerConnection: integer(
          'a number of streams',
          'Requests that may be under way on one HTTP/2 connection; over: the stream is refused, which clients may repeat.',
          1,
          1000,
        ).default(100),
        minBytesPerSecond: counted(
          'Clients are cut that send slower than this after 5s of grace, or that take longer than 5s and the time of the waiting bytes at this rate; 0 = off.',
        ).default(240),
      },
      'Limits per node.',
    ).prefault({}),
    accessLog: accessLog.prefault({}),
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
    'rateLimitKeys',
    'cacheSize',
    ...plannedFilterFields,
  ],
};
