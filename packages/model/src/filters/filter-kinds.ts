import { anyOfFilter } from './any-of.ts';
import { apiKeyFilter } from './api-key.ts';
import { basicAuthFilter } from './basic-auth.ts';
import { cacheFilter } from './cache.ts';
import { clientCertificateFilter } from './client-certificate.ts';
import { compressFilter } from './compress.ts';
import { externalAuthFilter } from './external-auth.ts';
import { faultInjectionFilter } from './fault-injection.ts';
import type { FilterKind } from './filter-kind.ts';
import { jwtFilter } from './jwt.ts';
import { mirrorFilter } from './mirror.ts';
import { oidcFilter } from './oidc.ts';
import { pluginFilter } from './plugin.ts';
import { rateLimitFilter } from './rate-limit.ts';
import { authorizeFilter } from './authorize.ts';
import { concurrencyFilter } from './concurrency.ts';
import { corsFilter } from './cors.ts';
import { grpcWebFilter } from './grpc-web.ts';
import { headersFilter } from './headers.ts';
import { ipRestrictionFilter } from './ip-restriction.ts';
import { redirectFilter } from './redirect.ts';
import { respondFilter } from './respond.ts';
import { rewriteFilter } from './rewrite.ts';
import { transcodeFilter } from './transcode.ts';
import { transformJsonFilter } from './transform-json.ts';
import { validateFilter } from './validate.ts';
import { versionFilter } from './version.ts';

/** Every filter that this version has. */
export const filterKinds: readonly FilterKind[] = [
  clientCertificateFilter,
  jwtFilter,
  apiKeyFilter,
  basicAuthFilter,
  oidcFilter,
  anyOfFilter,
  respondFilter,
  faultInjectionFilter,
  mirrorFilter,
  cacheFilter,
  compressFilter,
  externalAuthFilter,
  rateLimitFilter,
  concurrencyFilter,
  ipRestrictionFilter,
  corsFilter,
  authorizeFilter,
  versionFilter,
  validateFilter,
  redirectFilter,
  headersFilter,
  rewriteFilter,
  transformJsonFilter,
  pluginFilter,
  transcodeFilter,
  grpcWebFilter,
];

const byKey = new Map(filterKinds.map((kind) => [kind.key, kind]));

/** The filter of that key. */
export function filterKindNamed(key: string): FilterKind | undefined {
  return byKey.get(key);
}
