/** How the endpoints of a Service are checked, read from the snapshot. */

import {
  type ActiveCheck as CompiledCheck,
  CheckType,
  type CompiledService,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import type { ActiveCheck } from '../health/active-check.ts';
import type { PassiveSettings } from '../upstream/passive-checks.ts';

/** Undefined where nothing can be ejected. */
export function readPassiveSettings({ passiveCheck }: CompiledService): PassiveSettings | undefined {
  if (passiveCheck === undefined) return undefined;
  const { connectFailures, consecutive5xx, successRatePercent, minRequests } = passiveCheck;
  if (connectFailures === 0 && consecutive5xx === 0 && successRatePercent === 0) return undefined;
  const { windowMs, ejectForMs, maxEjectForMs, maxEjectedPercent } = passiveCheck;
  return {
    connectFailures,
    consecutive5xx,
    successRatePercent,
    minRequests,
    windowMs,
    ejectForMs,
    maxEjectForMs,
    maxEjectedPercent,
  };
}

/** Undefined = nobody is asked. Throws UnknownChoice for a check that this version cannot make. */
export function readActiveCheck({ activeCheck }: CompiledService): ActiveCheck | undefined {
  if (activeCheck === undefined) return undefined;
  const { type, host, port, headers, statuses, body, ...rest } = activeCheck;
  const { method, path, grpcService, intervalMs, timeoutMs, unhealthyAfter, healthyAfter } = rest;
  return {
    type: readType(type),
    method,
    path,
    headers: headers.map(({ name, value }) => [name, value] as const),
    statuses: statuses.map(({ first, last }) => ({ first, last })),
    body: body === '' ? undefined : body,
    host: host === '' ? undefined : host,
    port: port === 0 ? undefined : port,
    grpcService,
    intervalMs,
    timeoutMs,
    unhealthyAfter,
    healthyAfter,
  };
}

function readType(type: CompiledCheck['type']): ActiveCheck['type'] {
  switch (type) {
    case CheckType.HTTP:
      return 'http';
    case CheckType.TCP:
      return 'tcp';
    case CheckType.GRPC:
      return 'grpc';
    default:
      throw new UnknownChoice(`type ${type} of checks`);
  }
}
