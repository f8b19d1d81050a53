import type { ExternalAuthSettings } from '@causeway/filters/external-auth/external-auth';
import type { ExternalAuth } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readExternalAuth({ path, byGrpc, ...rest }: ExternalAuth): ExternalAuthSettings {
  const { service, headers, upstreamHeaders, clientHeaders, bodyBytesMax, timeoutMs, allowsOnFailure } = rest;
  return {
    service,
    protocol: byGrpc ? 'grpc' : 'http',
    path: path === '' ? undefined : path,
    headers,
    upstreamHeaders,
    clientHeaders,
    bodyBytesMax,
    timeoutMs,
    allowsOnFailure,
  };
}
