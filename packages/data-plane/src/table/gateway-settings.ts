/** The Gateway of a node, read once from its compiled form, so that the request path meets plain values only. */

import {
  ClientAddressHeader,
  type ClientTimeouts as CompiledTimeouts,
  type CompiledGateway,
  type GatewayLimits,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import { defaultLimits, type HeadLimits } from '@causeway/http1/limits';

import { CidrSet } from '../proxy/cidr-set.ts';
import type { ClientAddressRule } from '../proxy/client-address.ts';

/** Bounds on connections; 0 = off where the Gateway's reference says so. */
export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly requestsPerConnectionMax: number;
  readonly pipelinedMax: number;
}

/** Milliseconds. */
export interface ClientTimeouts {
  readonly requestHeadMs: number;
  readonly requestBodyIdleMs: number;
  readonly keepAliveMs: number;
  readonly drainDelayMs: number;
  readonly drainMs: number;
}

export interface ListenerSpec {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly hosts: readonly string[];
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
  /** Slower clients are cut; 0 = off. */
  readonly bytesPerSecondMin: number;
  readonly accessLogEnabled: boolean;
}

/** Throws an Error that says what is wrong with a compiled Gateway that this node cannot use. */
export function readGatewaySettings(gateway: CompiledGateway): GatewaySettings {
  const { timeouts, limits, clientAddress } = gateway;
  if (timeouts === undefined || limits === undefined || clientAddress === undefined)
    throw new Error('timeouts, limits or clientAddress is missing');
  return {
    name: gateway.name,
    listeners: gateway.listeners.map(({ name, address, port, hosts }, index) => ({
      name,
      address,
      port,
      hosts,
      index,
    })),
    clientAddress: {
      trustedProxies: new CidrSet(clientAddress.trustedProxies),
      header: readHeader(clientAddress.header),
    },
    mergeSlashes: gateway.mergeSlashes,
    timeouts: readTimeouts(timeouts),
    ...readLimits(limits),
    accessLogEnabled: gateway.accessLogEnabled,
  };
}

function readTimeouts(timeouts: CompiledTimeouts): ClientTimeouts {
  const { requestHeadMs, requestBodyIdleMs, keepAliveMs, drainDelayMs, drainMs } = timeouts;
  return { requestHeadMs, requestBodyIdleMs, keepAliveMs, drainDelayMs, drainMs };
}

function readLimits(
  limits: GatewayLimits,
): Pick<
  GatewaySettings,
  'head' | 'connections' | 'bodyBytesMax' | 'activeRequestsMax' | 'bytesPerSecondMin'
> {
  const { headBytesMax, headersMax, targetBytesMax } = limits;
  const { connectionsMax, connectionsPerAddressMax, requestsPerConnectionMax } = limits;
  return {
    head: { ...defaultLimits, headBytesMax, fieldsMax: headersMax, targetBytesMax },
    connections: { connectionsMax, connectionsPerAddressMax, requestsPerConnectionMax, pipelinedMax: 16 },
    bodyBytesMax: Number(limits.bodyBytesMax),
    activeRequestsMax: limits.activeRequestsMax,
    bytesPerSecondMin: 240,
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
