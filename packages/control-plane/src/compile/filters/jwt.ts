import { create } from '@bufbuild/protobuf';
import type { JwtSpec } from '@causeway/model/filters/jwt';
import { qualifiedName } from '@causeway/model/resource';
import { type Jwt, JwtSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileClaims } from '../compile-auth-provider.ts';

/** `namespace`: of the AuthProviders. */
export function compileJwt(spec: JwtSpec, namespace: string | undefined): Jwt {
  return create(JwtSchema, {
    providers: spec.providers.map((provider) => qualifiedName(namespace, provider)),
    optional: spec.optional,
    scopes: spec.scopes,
    claims: compileClaims(spec.claims),
    consumerRequired: spec.consumer === 'required',
    removesCredentials: !spec.forwardCredentials,
  });
}
