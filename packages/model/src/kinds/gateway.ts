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
  port,
  name,
  object,
  percent,
  say,
  size,
  sizeWithin,
} from '../fields.ts';
import { filterList, filterReferences } from '../filters/filter-item.ts';
import { filterProblems } from '../filters/filter-rules.ts';
import { accessLogOutput } from './access-log-output.ts';
import { gatewayRedis } from './gateway-redis.ts';
import { entriesOf, fieldOf, type Kind, type Reference, writeVerbs } from './kind.ts';

const counted = (description: string) => integer('a number', description, 0, 10_000_000);

const ciphersPattern = /^[A-Za-z0-9_-]+$/;

const listenerTls = object(
  {
    certificates: list(name.describe('Certificate with a key, in namespace default.'), {
      description:
        'Chosen by the name that a client asks for (SNI): exact names, then *.suffix of one label; the first one for every other client.',
      min: 1,
      max: 256,
      key: '',
    }),
    minVersion: choice('Oldest version that is spoken.', ['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    ciphers: list(
      line(
        'a cipher suite',
        'Name of a cipher suite, as OpenSSL or, for TLS 1.3, RFC 8446 spells it.',
        64,
      ).regex(ciphersPattern, { error: () => say('bad_format', 'not the name of a cipher suite') }),
      { description: 'In order of preference; empty = the built-in list.', max: 64, key: '' },
    ).default([]),
    ocspStapling: flag(
      'Nodes ask the authority of each certificate whether it stands (OCSP), and show the signed answer in handshakes with clients that want it. The chain must hold the certificate of the issuer.',
    ).default(false),
    clientAuth: object(
      {
        mode: choice(
          'Whether clients are asked for a certificate. One that does not verify ends the connection, with optional too.',
          ['none', 'optional', 'require'],
        ).default('none'),
        trust: list(name.describe('Certificate in namespace default.'), {
          description: 'Certificates that may have signed those of clients.',
          max: 32,
          key: '',
        }).default([]),
      },
      'Certificates of clients.',
    ).prefault({}),
  },
  'TLS of a listener; protocol https only.',
);

const listener = object(
  {
    name,
    address: ipAddress.default('0.0.0.0'),
    port: listenPort,
    protocol: choice('What clients speak: HTTP, or HTTP over TLS.', ['http', 'https']).default('http'),
    hosts: list(hostPattern, {
      description: "Intersected with the Routes' hosts; empty = every host.",
      max: 64,
      key: '',
    }).default([]),
    http2: flag(
      'HTTP/2 besides HTTP/1.1: with https by ALPN, with http by prior knowledge (the client begins with it).',
    ).default(true),
    redirectToHttps: port
      .optional()
      .describe(
        'Answer every request with 308 to https and this port, as clients see it; before any Route. protocol http only.',
      ),
    proxyProtocol: choice(
      'PROXY protocol, v1 and v2, in front of TLS too; believed only from clientAddress.trustedProxies. With require every other connection is closed.',
      ['none', 'accept', 'require'],
    ).default('none'),
    tls: listenerTls.optional(),
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

const gatewayFields = object(
  {
    listeners: list(listener, { description: 'Ports of the Gateway.', min: 1, max: 32, key: 'name' }).default(
      [
        {
          name: 'http',
          address: '0.0.0.0',
          port: 8080,
          protocol: 'http',
          hosts: [],
          http2: true,
          proxyProtocol: 'none',
        },
      ],
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
        tlsHandshake: realDuration
          .default('10s')
          .describe('Until a TLS handshake is complete; then the connection is closed.'),
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
          'Requests that may be under way on one HTTP/2 connection; over: the stream is refused, which clients may repeat; of a client that has acknowledged the limit nghttp2 ends the connection.',
          1,
          1000,
        ).default(100),
        minBytesPerSecond: counted(
          'Clients are cut that send slower than this after 5s of grace, or that take longer than 5s and the time of the waiting bytes at this rate; 0 = off.',
        ).default(240),
        rateLimitKeys: integer(
          'a number of keys',
          'Keys of limits that are told apart at a time, rounded up to a power of 2; of more the idle ones go first. After a change all limits of scope node begin anew.',
          1024,
          67_108_864,
        ).default(1_000_000),
        cacheSize: sizeWithin({ min: '0B', max: '64GiB' })
          .default('64MiB')
          .describe(
            'Memory of the answers that cache filters keep, shared out among the workers of a node; the longest unused go first. 0B = nothing is kept.',
          ),
      },
      'Limits per node.',
    ).prefault({}),
    redis: gatewayRedis.optional(),
    accessLog: accessLog.prefault({}),
    legacyRateLimitHeaders: flag(
      'Clients are told of limits by X-RateLimit-Limit, -Remaining and -Reset (in seconds) as well; of several limits the one with the least left.',
    ).default(false),
  },
  'Listeners, limits and client-side settings that nodes join by name.',
);

/** What fields of a listener forbid and require of each other. */
export const gatewaySpec = gatewayFields.superRefine(({ listeners }, context) => {
  for (const [index, one] of listeners.entries())
    for (const [field, message] of listenerComplaints(one))
      context.addIssue({ code: 'custom', path: ['listeners', index, ...field], message });
});

function listenerComplaints({
  protocol,
  tls,
  redirectToHttps,
}: z.output<typeof listener>): [string[], string][] {
  if (protocol === 'http')
    return tls === undefined
      ? []
      : [[['tls'], say('not_allowed_here', 'protocol http has no TLS', 'write protocol: https')]];
  if (tls === undefined)
    return [[['tls'], say('missing', 'required with protocol https', 'write tls: {certificates: [NAME]}')]];
  if (redirectToHttps !== undefined)
    return [
      [
        ['redirectToHttps'],
        say('not_allowed_here', 'this listener speaks https already', 'write it at one of protocol http'),
      ],
    ];
  const { mode, trust } = tls.clientAuth;
  const path = ['tls', 'clientAuth', 'trust'];
  if (mode === 'none' && trust.length > 0)
    return [
      [path, say('not_allowed_here', 'no certificate is asked for', 'write mode: optional or require')],
    ];
  if (mode !== 'none' && trust.length === 0)
    return [[path, say('missing', `required with mode ${mode}: Certificates that clients' are signed by`)]];
  return [];
}

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
  references: (spec) => [
    ...filterReferences(entriesOf(spec, 'filters')),
    ...entriesOf(spec, 'listeners').flatMap(certificateReferences),
    ...redisReferences(fieldOf(spec, 'redis')),
  ],
  secretPaths: (spec) => (fieldOf(spec, 'redis') === undefined ? [] : [['redis', 'url']]),
  check: filterProblems,
  plannedFields: ['allowedRoutes', 'tracing', 'requestSamples', 'rollout'],
};

function certificateReferences(written: unknown, index: number): Reference[] {
  const tls = fieldOf(written, 'tls');
  const at = `/spec/listeners/${index}/tls`;
  const named = (from: unknown, field: string, pointer: string): Reference[] =>
    entriesOf(from, field).flatMap((entry, place): Reference[] =>
      typeof entry === 'string'
        ? [{ pointer: `${pointer}/${field}/${place}`, kind: 'Certificate', name: entry }]
        : [],
    );
  return [
    ...named(tls, 'certificates', at),
    ...named(fieldOf(tls, 'clientAuth'), 'trust', `${at}/clientAuth`),
  ];
}

function redisReferences(redis: unknown): Reference[] {
  const secret = fieldOf(fieldOf(redis, 'url'), 'secret');
  const tls = fieldOf(redis, 'tls');
  const certificates = [
    ...entriesOf(tls, 'trust').map((trusted, index) => ({
      pointer: `/spec/redis/tls/trust/${index}`,
      name: trusted,
    })),
    { pointer: '/spec/redis/tls/clientCertificate', name: fieldOf(tls, 'clientCertificate') },
  ];
  return [
    { pointer: '/spec/redis/url/secret', kind: 'Secret', name: secret },
    ...certificates.map((each) => ({ ...each, kind: 'Certificate' })),
  ].flatMap((reference): Reference[] =>
    typeof reference.name === 'string' ? [{ ...reference, name: reference.name }] : [],
  );
}
