import type { CorsSettings } from '@causeway/filters/cors';
import type { Cors } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readCors(cors: Cors): CorsSettings {
  const { allowOrigins, allowMethods, allowHeaders, exposeHeaders, allowCredentials, maxAgeSeconds } = cors;
  return { allowOrigins, allowMethods, allowHeaders, exposeHeaders, allowCredentials, maxAgeSeconds };
}
