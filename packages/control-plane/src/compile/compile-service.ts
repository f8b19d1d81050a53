import { create } from '@bufbuild/protobuf';
import { grpcSettings, hasTls, isGrpc, type ServiceSpec, upstreamTls } from '@causeway/model/kinds/service';
import type { LoadBalancing } from '@causeway/model/kinds/service-balancing';
import type { HealthCheck } from '@causeway/model/kinds/service-health';
import type { CircuitBreaker as BreakerSpec } from '@causeway/model/kinds/service-protection';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { statusRange } from '@causeway/model/status-class';
import type { Compiled } from '@causeway/proto/compiled';
import {
  type ActiveCheck,
  ActiveCheckSchema,
  type Balancing,
  BalancingPolicy,
  BalancingSchema,
  CheckType,
  type CircuitBreaker,
  CircuitBreakerSchema,
  CompiledServiceSchema,
  type PassiveCheck,
  PassiveCheckSchema,
  Protocol,
  TlsVersion,
  type UpstreamTls,
  UpstreamTlsSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { Entry } from '../store/resource-index.ts';
import { compileAffinity, compileSource } from './compile-affinity.ts';

export function compileService(entry: Entry): Compiled {
  const spec = entry.effective as ServiceSpec;
  const { active, passive, panicPercent } = spec.healthCheck;
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
      balancing: compileBalancing(spec.loadBalancing),
      ...(spec.affinity && { affinity: compileAffinity(spec.affinity) }),
      ...(active && { activeCheck: compileActiveCheck(active, isGrpc(spec.protocol) ? 'grpc' : 'http') }),
      ...(isGrpc(spec.protocol) && {
        grpc: { messageBytesMax: BigInt(sizeBytes((spec.grpc ?? grpcSettings.parse({})).maxMessageSize)) },
      }),
      passiveCheck: compilePassiveCheck(passive),
      panicPercent,
      retryBudget: {
        percent: spec.retryBudget.percent,
        minPerSecond: spec.retryBudget.minPerSecond,
        windowMs: durationMs(spec.retryBudget.window),
      },
      ...(spec.circuitBreaker && { circuitBreaker: compileBreaker(spec.circuitBreaker) }),
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

export const tlsVersions = {
  'TLSv1.2': TlsVersion.TLS_VERSION_1_2,
  'TLSv1.3': TlsVersion.TLS_VERSION_1_3,
} as const;

function compileBalancing(balancing: LoadBalancing): Balancing {
  const { hash, boundedLoadPercent, slowStart, zone, spillPercent } = balancing;
  return create(BalancingSchema, {
    ...(hash !== undefined && { hash: compileSource(hash) }),
    boundedLoadPercent,
    slowStartMs: durationMs(slowStart),
    preferZone: zone === 'prefer',
    spillPercent,
  });
}

function compileActiveCheck(
  check: NonNullable<HealthCheck['active']>,
  defaultType: 'http' | 'grpc',
): ActiveCheck {
  const names = Object.keys(check.headers).toSorted();
  return create(ActiveCheckSchema, {
    type: checkTypes[check.type ?? defaultType],
    path: check.path,
    method: check.method,
    host: check.host ?? '',
    // Sorted, so that equal headers give equal bytes in whatever order they were written.
    headers: names.map((name) => ({ name, value: check.headers[name]! })),
    statuses: check.statuses.map(statusRange),
    body: check.body ?? '',
    port: check.port ?? 0,
    grpcService: check.grpcService,
    intervalMs: durationMs(check.interval),
    timeoutMs: durationMs(check.timeout),
    unhealthyAfter: check.unhealthyAfter,
    healthyAfter: check.healthyAfter,
  });
}

function compilePassiveCheck(check: HealthCheck['passive']): PassiveCheck {
  return create(PassiveCheckSchema, {
    connectFailures: check.connectFailures,
    consecutive5xx: check.consecutive5xx,
    successRatePercent: check.successRatePercent,
    minRequests: check.minRequests,
    windowMs: durationMs(check.window),
    ejectForMs: durationMs(check.ejectFor),
    maxEjectForMs: durationMs(check.maxEjectFor),
    maxEjectedPercent: check.maxEjectedPercent,
  });
}

function compileBreaker({ maxRequests, maxRetries, failureRate }: BreakerSpec): CircuitBreaker {
  return create(CircuitBreakerSchema, {
    requestsMax: maxRequests,
    retriesMax: maxRetries,
    ...(failureRate && {
      failureRate: {
        percent: failureRate.percent,
        windowMs: durationMs(failureRate.window),
        minRequests: failureRate.minRequests,
        openForMs: durationMs(failureRate.openFor),
        probes: failureRate.probes,
        statuses: failureRate.statuses.map(statusRange),
      },
    }),
  });
}

const protocols = {
  http: Protocol.HTTP,
  https: Protocol.HTTPS,
  h2c: Protocol.H2C,
  h2: Protocol.H2,
  grpc: Protocol.H2C,
  grpcs: Protocol.H2,
} as const;

const policies = {
  roundRobin: BalancingPolicy.ROUND_ROBIN,
  random: BalancingPolicy.RANDOM,
  leastRequest: BalancingPolicy.LEAST_REQUEST,
  peakEwma: BalancingPolicy.PEAK_EWMA,
  consistentHash: BalancingPolicy.CONSISTENT_HASH,
  first: BalancingPolicy.FIRST,
} as const;

const checkTypes = { http: CheckType.HTTP, tcp: CheckType.TCP, grpc: CheckType.GRPC } as const;
