import { create } from '@bufbuild/protobuf';
import type { RewriteSpec } from '@causeway/model/filters/rewrite';
import { type Rewrite, RewriteSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileTemplate } from '../compile-template.ts';
import { compilePathChange } from './path-change.ts';

export function compileRewrite({ host = '', path, query }: RewriteSpec): Rewrite {
  const { set = {}, remove = [] } = query ?? {};
  // Sorted, so that equal parameters give equal bytes in whatever order they were written.
  const names = Object.keys(set).toSorted();
  return create(RewriteSchema, {
    host,
    ...(path && { path: compilePathChange(path) }),
    setQuery: names.map((name) => ({ name, value: compileTemplate(set[name]!) })),
    removeQuery: remove,
  });
}
