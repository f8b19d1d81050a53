import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { AuthorizeCondition, AuthorizeSpec } from '@causeway/model/filters/authorize';
import { defaultNamespace } from '@causeway/model/resource';
import {
  type Authorize,
  type AuthorizeRuleSchema,
  AuthorizeSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { canonicalPath } from '@causeway/router/canonical-path';
import { assert } from '@causeway/runtime/assert';

/** `namespace`: of the Consumers that rules name. */
export function compileAuthorize({ rules }: AuthorizeSpec, namespace: string | undefined): Authorize {
  return create(AuthorizeSchema, {
    namespace: namespace ?? defaultNamespace,
    rules: rules.map(({ allow, deny }) => compileRule(allow !== undefined, allow ?? deny ?? {})),
  });
}

function compileRule(
  allow: boolean,
  { claims = {}, paths = [], ...lists }: AuthorizeCondition,
): MessageInitShape<typeof AuthorizeRuleSchema> {
  return {
    allow,
    consumers: lists.consumers ?? [],
    groups: lists.groups ?? [],
    scopes: lists.scopes ?? [],
    methods: lists.methods ?? [],
    addresses: lists.addresses ?? [],
    paths: paths.map(canonicalRulePath),
    claims: Object.keys(claims)
      .toSorted()
      .map((name) => ({ name, values: [claims[name]!].flat().map(String) })),
  };
}

/** Requests are judged by their one spelling, so rules have it too. */
function canonicalRulePath(path: string): string {
  const isPrefix = path.endsWith('/*');
  const canonical = canonicalPath(isPrefix ? path.slice(0, -1) : path, false);
  assert(canonical.ok, 'validation has seen that it is a path');
  return isPrefix ? `${canonical.path}*` : canonical.path;
}
