import { create } from '@bufbuild/protobuf';
import { accessLogPath } from '@causeway/model/kinds/access-log-output';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import { phaseRank } from '@causeway/model/filters/phases';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { MiddlewareSpec } from '@causeway/model/kinds/middleware';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { defaultNamespace, qualifiedName } from '@causeway/model/resource';
import type { Compiled } from '@causeway/proto/compiled';
import {
  AccessLogFormat,
  type AccessLog,
  AccessLogSchema,
  ClientAuth,
  ClientAddressHeader,
  CompiledCertificateSchema,
  CompiledGatewaySchema,
  CompiledMiddlewareSchema,
  type Listener,
  ListenerSchema,
  ProxyProtocol,
  type Redis,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { Entry } from '../store/resource-index.ts';
import { compileApiSpec } from './compile-api-spec.ts';
import { compileAuthProvider } from './compile-auth-provider.ts';
import { compileDescriptorSet } from './compile-descriptor-set.ts';
import { compileFilters } from './compile-filters.ts';
import { compileRoute } from './compile-route.ts';
import { compileService, tlsVersions } from './compile-service.ts';

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
    case 'ApiSpec':
      return compileApiSpec(entry);
    case 'DescriptorSet':
      return compileDescriptorSet(entry);
    case 'AuthProvider':
      return compileAuthProvider(entry, { keyAt: () => undefined, clientSecret: undefined });
    default:
      return undefined;
  }
}

/** `redis` is where its nodes count together, for those that need it: it holds a secret. */
export function compileGateway(entry: Entry, redis?: Redis): Compiled {
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
        rateLimitKeys: limits.rateLimitKeys,
        cacheBytes: BigInt(sizeBytes(limits.cacheSize)),
      },
      accessLogEnabled: spec.accessLog.enabled,
      forwarding: spec.forwarding,
      accessLog: compileAccessLog(spec.accessLog),
      legacyRateLimitHeaders: spec.legacyRateLimitHeaders,
      filters: compileFilters(spec.filters, { namespace: defaultNamespace, key: entry.key }),
      ...(redis && { redis }),
      consumerPhases: { authentication: phaseRank('authentication'), limits: phaseRank('consumerLimits') },
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

export function compileMiddleware(entry: Entry): Compiled {
  const { namespace, name } = entry.resource.metadata;
  const { filters } = entry.effective as MiddlewareSpec;
  return {
    kind: 'middleware',
    key: entry.key,
    value: create(CompiledMiddlewareSchema, {
      name: qualifiedName(namespace, name),
      filters: compileFilters(filters, { namespace, key: entry.key }),
    }),
  };
}

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
