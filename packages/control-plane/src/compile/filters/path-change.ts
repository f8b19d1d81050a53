import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RewriteSpec } from '@causeway/model/filters/rewrite';
import type { PathChangeSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { canonicalPath } from '@causeway/router/canonical-path';
import { assert } from '@causeway/runtime/assert';
import { compileTemplate } from '../compile-template.ts';

export function compilePathChange({
  exact,
  prefix,
  template,
}: NonNullable<RewriteSpec['path']>): MessageInitShape<typeof PathChangeSchema> {
  if (exact !== undefined) return { change: { case: 'exact', value: canonical(exact) } };
  if (prefix !== undefined) return { change: { case: 'prefix', value: canonical(prefix) } };
  assert(template !== undefined, 'validation has seen that one of them is given');
  return { change: { case: 'template', value: compileTemplate(template) } };
}

function canonical(path: string): string {
  const spelled = canonicalPath(path, false);
  assert(spelled.ok, 'validation has seen that it is a path');
  return spelled.path;
}
