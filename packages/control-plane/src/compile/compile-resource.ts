import { create } from '@bufbuild/protobuf';
import { accessLogPath } from '@causeway/model/kinds/access-log-output';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { MiddlewareSpec } from '@causeway/model/kinds/middleware';
import type { RouteSpec } from '@causeway/model/kinds/route';
import { hasTls, type ServiceSpec, upstreamTls } from '@causeway/model/kinds/service';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { defaultNamespace, qualifiedName } from '@causeway/model/resource';
import type { Compiled } from '@causeway/proto/compiled';
import {
  AccessLogFormat,
  type AccessLog,
  AccessLogSchema,
  BalancingPolicy,
  ClientAuth,
  ClientAddressHeader,
  CompiledCertificateSchema,
  CompiledGatewaySchema,
  CompiledMiddlewareSchema,
  CompiledRouteSchema,
  CompiledServiceSchema,
  EncodedCharacter,
  type Listener,
  ListenerSchema,
  type Match,
  MatchSchema,
  Protocol,
  ProxyProtocol,
  TlsVersion,
  type UpstreamTls,
  UpstreamTlsSchema,
  type ValuePredicate,
  ValuePredicateSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { Entry } from '../store/resource-index.ts';
import { compileFilters } from './compile-filters.ts';

/**
 * Resources to what nodes build from: pure, and equal resources give equal bytes. Nothing here looks at another
 * resource, so a change of one costs the compilation of one.
 */

/** What nodes of `gateway` get of an object; undefined for kinds that no node gets. */
export function compileResource(entry: Entry, gateway: string): Compiled | undefined {
  switch (entry.resource.kind) {
    case 'Gateway':
      return compileGateway(entry);
    case 'Middleware':
      return compileMiddleware(entry);
    case 'Route':
      return compileRoute(entry, gateway);
    case 'Service':
      return compileService(entry);
    case 'Certificate':
      return compileCertificate(entry, undefined);
    default:
      return undefined;
  }
}

export function compileGateway(entry: Entry): Compiled {
  const spec = entry.effective as GatewaySpec;
  const { timeouts, limits, clientAddress } = spec;
  return {
    kind: 'gateway',
    key: entry.key,
    value: create(CompiledGatewaySchema, {
      name: entry.resource.metadata.name,
      listeners: spec.listeners.map(compileListener),
      clientAddress: {
        trustedProxies: clientAddress.trustedProxies,
        header: clientAddressHeaders[clientAddress.header],
      },
      mergeSlashes: spec.paths.mergeSlashes,
      timeouts: {
        requestHeadMs: durationMs(timeouts.requestHead),
        requestBodyIdleMs: durationMs(timeouts.requestBodyIdle),
        keepAliveMs: durationMs(timeouts.keepAlive),
        drainDelayMs: durationMs(timeouts.drainDelay),
        drainMs: durationMs(timeouts.drain),
        tlsHandshakeMs: durationMs(timeouts.tlsHandshake),
      },
      limits: {
        headBytesMax: sizeBytes(limits.maxHeadSize),
        headersMax: limits.maxHeaders,
        targetBytesMax: sizeBytes(limits.maxTargetSize),
        bodyBytesMax: BigInt(sizeBytes(limits.maxBodySize)),
        connectionsMax: limits.maxConnections,
        activeRequestsMax: limits.maxActiveRequests,
        connectionsPerAddressMax: limits.maxConnectionsPerAddress,
        requestsPerConnectionMax: limits.maxRequestsPerConnection,
        pipelinedMax: limits.maxPipelined,
        streamsMax: limits.maxStreamsPerConnection,
        bytesPerSecondMin: limits.minBytesPerSecond,
      },
      accessLogEnabled: spec.accessLog.enabled,
      forwarding: spec.forwarding,
      accessLog: compileAccessLog(spec.accessLog),
      filters: compileFilters(spec.filters, defaultNamespace),
    }),
  };
}

function compileListener(listener: GatewaySpec['listeners'][number]): Listener {
  const { name, address, port, hosts, tls, proxyProtocol, http2, redirectToHttps } = listener;
  return create(ListenerSchema, {
    name,
    address,
    port,
    hosts,
    proxyProtocol: proxyProtocols[proxyProtocol],
    http1Only: !http2,
    ...(redirectToHttps !== undefined && { redirectPort: redirectToHttps }),
    ...(tls && {
      tls: {
        certificates: tls.certificates.map((certificate) => qualifiedName(defaultNamespace, certificate)),
        minVersion: tlsVersions[tls.minVersion],
        ciphers: tls.ciphers,
        clientAuth: clientAuths[tls.clientAuth.mode],
        ocspStapling: tls.ocspStapling,
        trust: tls.clientAuth.trust.map((certificate) => qualifiedName(defaultNamespace, certificate)),
      },
    }),
  });
}

const clientAuths = {
  none: ClientAuth.NONE,
  optional: ClientAuth.OPTIONAL,
  require: ClientAuth.REQUIRE,
} as const;

const proxyProtocols = {
  none: ProxyProtocol.UNSPECIFIED,
  accept: ProxyProtocol.ACCEPT,
  require: ProxyProtocol.REQUIRE,
} as const;

function compileAccessLog({ format, output, samplePercent, redact }: GatewaySpec['accessLog']): AccessLog {
  return create(AccessLogSchema, {
    format: accessLogFormats[format],
    path: accessLogPath(output) ?? '',
    samplePercent,
    redactHeaders: redact.headers,
    redactQuery: redact.query,
  });
}

const accessLogFormats = {
  json: AccessLogFormat.JSON,
  common: AccessLogFormat.COMMON,
  combined: AccessLogFormat.COMBINED,
} as const;

const clientAddressHeaders = {
  'x-forwarded-for': ClientAddressHeader.X_FORWARDED_FOR,
  forwarded: ClientAddressHeader.FORWARDED,
} as const;

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
      timeouts: {
        requestMs: durationMs(spec.timeouts.request),
        responseHeadMs: durationMs(spec.timeouts.responseHead),
        idleMs: durationMs(spec.timeouts.idle),
        streamIdleMs: durationMs(spec.timeouts.streamIdle),
      },
      filters: compileFilters(spec.filters, namespace),
      ...(spec.limits.maxBodySize === undefined
        ? {}
        : { bodyBytesMax: BigInt(sizeBytes(spec.limits.maxBodySize)) }),
      activeRequestsMax: spec.limits.maxActiveRequests,
    }),
  };
}

export function compileMiddleware(entry: Entry): Compiled {
  const { namespace, name } = entry.resource.metadata;
  const { filters } = entry.effective as MiddlewareSpec;
  return {
    kind: 'middleware',
    key: entry.key,
    value: create(CompiledMiddlewareSchema, {
      name: qualifiedName(namespace, name),
      filters: compileFilters(filters, namespace),
    }),
  };
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
    path: oneCase(match.path),
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

export function compileService(entry: Entry): Compiled {
  const spec = entry.effective as ServiceSpec;
  const { namespace, name } = entry.resource.metadata;
  return {
    kind: 'service',
    key: entry.key,
    value: create(CompiledServiceSchema, {
      name: qualifiedName(namespace, name),
      protocol: protocols[spec.protocol],
      policy: policies[spec.loadBalancing.policy],
      connectTimeoutMs: durationMs(spec.timeouts.connect),
      pool: {
        connectionsMax: spec.pool.maxConnections,
        waitingMax: spec.pool.maxWaiting,
        idleTimeoutMs: durationMs(spec.pool.idleTimeout),
        requestsPerConnectionMax: spec.pool.maxRequestsPerConnection,
        maxAgeMs: durationMs(spec.pool.maxAge),
      },
      ...(hasTls(spec.protocol) && { tls: compileUpstreamTls(spec, namespace) }),
    }),
  };
}

/** A Service that speaks TLS and says nothing about it has the defaults. */
function compileUpstreamTls(spec: ServiceSpec, namespace: string | undefined): UpstreamTls {
  const tls = spec.tls ?? upstreamTls.parse({});
  return create(UpstreamTlsSchema, {
    serverName: tls.serverName ?? '',
    trust: tls.trust.map((name) => qualifiedName(namespace, name)),
    clientCertificate:
      tls.clientCertificate === undefined ? '' : qualifiedName(namespace, tls.clientCertificate),
    verify: tls.verify,
    minVersion: tlsVersions[tls.minVersion],
  });
}

const tlsVersions = { 'TLSv1.2': TlsVersion.TLS_VERSION_1_2, 'TLSv1.3': TlsVersion.TLS_VERSION_1_3 } as const;

/** `key` is the text of its private key, for nodes that need it. */
export function compileCertificate(entry: Entry, key: string | undefined): Compiled {
  const { namespace, name } = entry.resource.metadata;
  return {
    kind: 'certificate',
    key: entry.key,
    value: create(CompiledCertificateSchema, {
      name: qualifiedName(namespace, name),
      chain: (entry.effective as CertificateSpec).certificate,
      ...(key === undefined ? {} : { key }),
    }),
  };
}

const protocols = {
  http: Protocol.HTTP,
  https: Protocol.HTTPS,
  h2c: Protocol.H2C,
  h2: Protocol.H2,
} as const;
const policies = { roundRobin: BalancingPolicy.ROUND_ROBIN } as const;
