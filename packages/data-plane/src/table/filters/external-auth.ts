import type { ExternalAuthSettings } from '@causeway/filters/external-auth';
import type { ExternalAuth } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readExternalAuth({ path, ...rest }: ExternalAuth): ExternalAuthSettings {
  const { service, headers, upstreamHeaders, clientHeaders, timeoutMs, allowsOnFailure } = rest;
  const own = path === '' ? undefined : path;
  return { service, path: own, headers, upstreamHeaders, clientHeaders, timeoutMs, allowsOnFailure };
}
