import { byteString } from '@causeway/filters/byte-string';
import type { CacheSettings } from '@causeway/filters/cache/cache';
import type { Cache } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readCache(cache: Cache): CacheSettings {
  return {
    ttlMs: cache.ttlMs === undefined ? undefined : Number(cache.ttlMs),
    methods: cache.methods,
    vary: cache.vary,
    queryNames: cache.query && new Set(cache.query.names.map(byteString)),
    entryBytesMax: Number(cache.entryBytesMax),
    staleWhileRevalidateMs: Number(cache.staleWhileRevalidateMs),
    staleIfErrorMs: Number(cache.staleIfErrorMs),
    collapses: cache.collapse,
  };
}
