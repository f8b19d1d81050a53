import { create } from '@bufbuild/protobuf';
import type { OidcSpec } from '@causeway/model/filters/oidc';
import { durationMs } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { type Oidc, OidcSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** `namespace`: of the AuthProvider. */
export function compileOidc(spec: OidcSpec, namespace: string): Oidc {
  const { cookie } = spec;
  return create(OidcSchema, {
    provider: qualifiedName(namespace, spec.provider),
    scopes: [...new Set(['openid', ...spec.scopes])],
    callbackPath: spec.callbackPath,
    logoutPath: spec.logoutPath,
    cookieName: cookie.name,
    cookieTtlMs: BigInt(durationMs(cookie.ttl)),
    cookieSameSite: cookie.sameSite,
    ...(cookie.domain !== undefined && { cookieDomain: cookie.domain }),
    forwardToken: spec.forwardToken,
    denies: spec.unauthenticated === 'deny',
  });
}
