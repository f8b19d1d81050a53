import { create } from '@bufbuild/protobuf';
import type { RedirectSpec } from '@causeway/model/filters/redirect';
import { type Redirect, RedirectSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compilePathChange } from './path-change.ts';

export function compileRedirect({ scheme, host = '', port = 0, path, status }: RedirectSpec): Redirect {
  return create(RedirectSchema, {
    scheme: scheme ?? '',
    host,
    port,
    status,
    ...(path && { path: compilePathChange(path) }),
  });
}
