import type { OidcSettings } from '@causeway/filters/oidc/oidc';
import type { Oidc } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readOidc(compiled: Oidc): OidcSettings {
  const { provider, scopes, callbackPath, logoutPath, forwardToken, denies } = compiled;
  return {
    provider,
    scopes,
    callbackPath,
    logoutPath,
    cookie: {
      name: compiled.cookieName,
      ttlMs: Number(compiled.cookieTtlMs),
      sameSite: compiled.cookieSameSite,
      domain: compiled.cookieDomain === '' ? undefined : compiled.cookieDomain,
    },
    forwardsToken: forwardToken,
    redirects: !denies,
  };
}
