import { create } from '@bufbuild/protobuf';
import type { CacheSpec } from '@causeway/model/filters/cache';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { type Cache, CacheSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function compileCache(spec: CacheSpec): Cache {
  const { ttl, methods, vary, query, maxEntrySize, staleWhileRevalidate, staleIfError, collapse } = spec;
  return create(CacheSchema, {
    ...(ttl !== undefined && { ttlMs: BigInt(durationMs(ttl)) }),
    methods,
    vary: vary.map((name) => name.toLowerCase()),
    ...(query !== undefined && { query: { names: query } }),
    entryBytesMax: BigInt(sizeBytes(maxEntrySize)),
    staleWhileRevalidateMs: BigInt(durationMs(staleWhileRevalidate)),
    staleIfErrorMs: BigInt(durationMs(staleIfError)),
    collapse,
  });
}
