/** A connection of ioredis, to one server or to a Redis Cluster, with settings under which nothing waits in queues of its own. */

import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import type { Cluster, Redis } from 'ioredis';

import type { RedisSettings } from './redis-settings.ts';

export type RedisClient = Redis | Cluster;

const connectTimeoutMs = 2000;

/** Connects, and again after `retryStrategy` milliseconds whenever the connection is lost. The library is loaded by the first node that needs it: it costs some 40 ms and 2 MiB. */
export async function connectRedis(
  settings: RedisSettings,
  retryStrategy: () => number,
): Promise<RedisClient> {
  const { Cluster, Redis } = await import('ioredis');
  const { addresses, isCluster, database } = settings;
  const options = clientOptions(settings);
  if (!isCluster) {
    const { host, port } = addresses[0]!;
    return new Redis({ ...options, host, port, db: database, enableOfflineQueue: false, retryStrategy });
  }
  return new Cluster([...addresses], {
    redisOptions: options,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: [...unbatched],
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: connectTimeoutMs,
    // Who has taken over from a primary that is gone.
    slotsRefreshInterval: 2000,
    maxRedirections: 4,
    // As below: nothing is asked twice.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
  });
}

/** It must not wait behind what is not answered. */
const unbatched = ['ping'];

function clientOptions(settings: RedisSettings) {
  const { username, password } = settings;
  const tls = tlsOptions(settings);
  return {
    ...(password !== '' && { password, ...(username !== '' && { username }) }),
    ...(tls && { tls }),
    connectTimeout: connectTimeoutMs,
    // What was asked of a connection that is lost may have been done: it is not asked again.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // What old servers and stand-ins speak too.
    protocol: 2 as const,
    // Lanes ask for a sign of life themselves, and a user of Redis need not be allowed more than limits need.
    enableReadyCheck: false,
    keepAlive: 10_000,
    disableClientInfo: true,
    // A primary that has become a replica: behind the name or address there is another by now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
}

function tlsOptions({ tls, addresses, isCluster }: RedisSettings): ConnectionOptions | undefined {
  if (tls === undefined) return undefined;
  const { serverName, verify, context } = tls;
  // Nodes of a cluster name each other, and are verified by those names.
  const name = serverName ?? (isCluster ? undefined : addresses[0]!.host);
  return {
    secureContext: context,
    rejectUnauthorized: verify,
    ...(name !== undefined && {
      servername: isIP(name) === 0 ? name : '',
      checkServerIdentity: (_host: string, certificate) => checkServerIdentity(name, certificate),
    }),
  };
}
