import { create } from '@bufbuild/protobuf';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import { durationMs } from '@causeway/model/quantity';
import { parseRedisUrl } from '@causeway/model/redis-url';
import { defaultNamespace, qualifiedName } from '@causeway/model/resource';
import { type Redis, RedisSchema, TlsVersion } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** `url` is the text that stands in `redis.url`. Undefined when it is none: then nobody is asked, and limits do as when Redis is down. */
export function compileRedis(
  { timeout, tls, keyPrefix }: NonNullable<GatewaySpec['redis']>,
  url: string | undefined,
  keySecret: Uint8Array,
): Redis | undefined {
  const place = url === undefined ? undefined : parseRedisUrl(url);
  if (place === undefined) return undefined;
  const { cluster, addresses, username, password, database } = place;
  const certificate = (name: string): string => qualifiedName(defaultNamespace, name);
  return create(RedisSchema, {
    cluster,
    addresses,
    username,
    password,
    database,
    timeoutMs: durationMs(timeout),
    keyPrefix,
    keySecret,
    ...(place.tls && {
      tls: {
        serverName: tls?.serverName ?? '',
        trust: (tls?.trust ?? []).map(certificate),
        clientCertificate: tls?.clientCertificate === undefined ? '' : certificate(tls.clientCertificate),
        verify: tls?.verify ?? true,
        minVersion: TlsVersion.TLS_VERSION_1_2,
      },
    }),
  });
}
