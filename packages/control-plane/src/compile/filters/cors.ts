import { create } from '@bufbuild/protobuf';
import type { CorsSpec } from '@causeway/model/filters/cors';
import { durationMs } from '@causeway/model/quantity';
import { type Cors, CorsSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function compileCors({ maxAge, ...spec }: CorsSpec): Cors {
  return create(CorsSchema, { ...spec, maxAgeSeconds: Math.floor(durationMs(maxAge) / 1000) });
}
