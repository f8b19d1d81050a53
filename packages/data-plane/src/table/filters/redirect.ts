import type { RedirectSettings } from '@causeway/filters/redirect';
import type { Redirect } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import { readPathChange } from './path-change.ts';

export function readRedirect({ status, scheme, host, port, path }: Redirect): RedirectSettings {
  if (scheme !== '' && scheme !== 'http' && scheme !== 'https') throw new UnknownChoice(`scheme ${scheme}`);
  return {
    status,
    scheme: scheme === '' ? undefined : scheme,
    host: host === '' ? undefined : host,
    port: port === 0 ? undefined : port,
    path: path && readPathChange(path),
  };
}
