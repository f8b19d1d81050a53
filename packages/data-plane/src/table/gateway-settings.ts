/** The Gateway of a node, read once from its compiled form, so that the request path meets plain values only. */

import { defaultLimits, type HeadLimits } from '@causeway/http1/limits';
import {
  type AccessLog,
  AccessLogFormat,
  ClientAddressHeader,
  ClientAuth,
  type ClientTimeouts as CompiledTimeouts,
  type CompiledGateway,
  type GatewayLimits,
  type Listener as CompiledListener,
  type ListenerTls as CompiledTls,
  ProxyProtocol,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import { UnknownChoice } from '@causeway/proto/route-rules';

import type { TlsParts } from '../listen/tls/tls-acceptor.ts';
import { CidrSet } from '@causeway/runtime/cidr-set';
import type { ClientAddressRule } from '../proxy/client-address.ts';
import { readTlsVersion } from './tls-version.ts';

/** Bounds on connections; 0 = off where the Gateway's reference says so. */
export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly requestsPerConnectionMax: number;
  /** Requests that are taken from a connection in one turn of the event loop; at least 1. */
  readonly pipelinedMax: number;
  /** Streams that may be open on an HTTP/2 connection; at least 1. */
  readonly streamsMax: number;
}

/** What upstreams are told besides X-Forwarded-*. */
export interface ForwardingSettings {
  readonly forwarded: boolean;
  readonly via: boolean;
}

export interface AccessLogSettings {
  readonly format: 'json' | 'common' | 'combined';
  /** Absolute; undefined = stdout. */
  readonly path: string | undefined;
  /** 0 to 100. */
  readonly samplePercent: number;
  /** Lower case. */
  readonly redactHeaders: readonly string[];
  readonly redactQuery: readonly string[];
}

/** Milliseconds. */
export interface ClientTimeouts {
  readonly requestHeadMs: number;
  readonly requestBodyIdleMs: number;
  readonly keepAliveMs: number;
  readonly drainDelayMs: number;
  readonly drainMs: number;
  readonly tlsHandshakeMs: number;
}

/** Of Certificates only the names. */
export interface ListenerTls extends Omit<TlsParts, 'certificates' | 'trust' | 'http2' | 'staples'> {
  /** "namespace/name" */
  readonly certificates: readonly string[];
  readonly trust: readonly string[];
  readonly ocspStapling: boolean;
}

export interface ListenerSpec {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly hosts: readonly string[];
  /** Undefined: plain HTTP. */
  readonly tls: ListenerTls | undefined;
  readonly proxyProtocol: 'none' | 'accept' | 'require';
  /** Besides HTTP/1.1. */
  readonly http2: boolean;
  /** Of https, where every request is sent to; 0 = off. */
  readonly redirectPort: number;
  /** Position in the Gateway, for pointers. */
  readonly index: number;
}

export interface GatewaySettings {
  readonly name: string;
  readonly listeners: readonly ListenerSpec[];
  readonly clientAddress: ClientAddressRule;
  readonly mergeSlashes: boolean;
  readonly timeouts: ClientTimeouts;
  readonly head: HeadLimits;
  readonly connections: ConnectionLimits;
  /** Bytes; 0 = unlimited. */
  readonly bodyBytesMax: number;
  /** 0 = off. */
  readonly activeRequestsMax: number;
  /** Of answers that cache filters keep; 0 = none. */
  readonly cacheBytesMax: number;
  /** Slower clients are cut; 0 = off. */
  readonly bytesPerSecondMin: number;
  readonly accessLogEnabled: boolean;
  readonly accessLog: AccessLogSettings;
  readonly forwarding: ForwardingSettings;
  readonly legacyRateLimitHeaders: boolean;
}

/** Throws an Error that says what is wrong with a compiled Gateway that this node cannot use. */
export function readGatewaySettings(gateway: CompiledGateway): GatewaySettings {
  const { timeouts, limits, clientAddress, accessLog, forwarding } = gateway;
  if (timeouts === undefined || limits === undefined || clientAddress === undefined)
    throw new Error('timeouts, limits or clientAddress is missing');
  if (accessLog === undefined || forwarding === undefined)
    throw new Error('accessLog or forwarding is missing');
  return {
    name: gateway.name,
    listeners: gateway.listeners.map(readListener),
    clientAddress: {
      trustedProxies: new CidrSet(clientAddress.trustedProxies),
      header: readHeader(clientAddress.header),
    },
    mergeSlashes: gateway.mergeSlashes,
    timeouts: readTimeouts(timeouts),
    ...readLimits(limits),
    accessLogEnabled: gateway.accessLogEnabled,
    accessLog: readAccessLog(accessLog),
    forwarding: { forwarded: forwarding.forwarded, via: forwarding.via },
    legacyRateLimitHeaders: gateway.legacyRateLimitHeaders,
  };
}

function readListener(listener: CompiledListener, index: number): ListenerSpec {
  const { name, address, port, hosts, tls, http1Only, redirectPort } = listener;
  const proxyProtocol = readProxyProtocol(listener.proxyProtocol);
  return {
    name,
    address,
    port,
    hosts,
    index,
    proxyProtocol,
    http2: !http1Only,
    redirectPort,
    tls: tls && readTls(tls),
  };
}

function readTls(tls: CompiledTls): ListenerTls {
  const { certificates, trust, minVersion, ciphers, clientAuth, ocspStapling } = tls;
  if (certificates.length === 0) throw new Error('tls has no certificates');
  if (clientAuth !== ClientAuth.NONE && trust.length === 0) throw new Error('tls.clientAuth trusts nobody');
  return {
    certificates,
    trust,
    ciphers,
    minVersion: readTlsVersion(minVersion),
    clientAuth: readClientAuth(clientAuth),
    ocspStapling,
  };
}

function readClientAuth(clientAuth: ClientAuth): ListenerTls['clientAuth'] {
  switch (clientAuth) {
    case ClientAuth.NONE:
      return 'none';
    case ClientAuth.OPTIONAL:
      return 'optional';
    case ClientAuth.REQUIRE:
      return 'require';
    default:
      throw new UnknownChoice(`tls.clientAuth ${clientAuth}`);
  }
}

function readProxyProtocol(proxyProtocol: ProxyProtocol): ListenerSpec['proxyProtocol'] {
  switch (proxyProtocol) {
    case ProxyProtocol.UNSPECIFIED:
      return 'none';
    case ProxyProtocol.ACCEPT:
      return 'accept';
    case ProxyProtocol.REQUIRE:
      return 'require';
    default:
      throw new UnknownChoice(`proxyProtocol ${String(proxyProtocol)}`);
  }
}

function readAccessLog(accessLog: AccessLog): AccessLogSettings {
  const { path, samplePercent, redactHeaders, redactQuery } = accessLog;
  return {
    format: readFormat(accessLog.format),
    path: path === '' ? undefined : path,
    samplePercent,
    redactHeaders,
    redactQuery,
  };
}

function readFormat(format: AccessLogFormat): AccessLogSettings['format'] {
  switch (format) {
    case AccessLogFormat.JSON:
      return 'json';
    case AccessLogFormat.COMMON:
      return 'common';
    case AccessLogFormat.COMBINED:
      return 'combined';
    default:
      throw new UnknownChoice(`accessLog.format ${format}`);
  }
}

function readTimeouts(timeouts: CompiledTimeouts): ClientTimeouts {
  const { requestHeadMs, requestBodyIdleMs, keepAliveMs, drainDelayMs, drainMs, tlsHandshakeMs } = timeouts;
  return { requestHeadMs, requestBodyIdleMs, keepAliveMs, drainDelayMs, drainMs, tlsHandshakeMs };
}

/** The default of `maxStreamsPerConnection`. */
const streamsMaxOfOld = 100;

function readLimits(
  limits: GatewayLimits,
): Pick<
  GatewaySettings,
  'head' | 'connections' | 'bodyBytesMax' | 'activeRequestsMax' | 'cacheBytesMax' | 'bytesPerSecondMin'
> {
  const { headBytesMax, headersMax, targetBytesMax } = limits;
  const { connectionsMax, connectionsPerAddressMax, requestsPerConnectionMax } = limits;
  const { pipelinedMax, bytesPerSecondMin } = limits;
  return {
    head: { ...defaultLimits, headBytesMax, fieldsMax: headersMax, targetBytesMax },
    connections: {
      connectionsMax,
      connectionsPerAddressMax,
      requestsPerConnectionMax,
      pipelinedMax,
      // A snapshot of a control plane that did not know the limit has none; it would leave clients no request at all.
      streamsMax: limits.streamsMax || streamsMaxOfOld,
    },
    bodyBytesMax: Number(limits.bodyBytesMax),
    activeRequestsMax: limits.activeRequestsMax,
    cacheBytesMax: Number(limits.cacheBytes),
    bytesPerSecondMin,
  };
}

function readHeader(header: ClientAddressHeader): 'x-forwarded-for' | 'forwarded' {
  switch (header) {
    case ClientAddressHeader.X_FORWARDED_FOR:
      return 'x-forwarded-for';
    case ClientAddressHeader.FORWARDED:
      return 'forwarded';
    default:
      throw new Error(`clientAddress.header ${header} is not known here`);
  }
}
