import { create } from '@bufbuild/protobuf';
import type { ConcurrencySpec } from '@causeway/model/filters/concurrency';
import { durationMs } from '@causeway/model/quantity';
import { type Concurrency, ConcurrencySchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileSource } from '../compile-affinity.ts';

/** `id`: of the object in which it is written, and its name. */
export function compileConcurrency(spec: ConcurrencySpec, id: string): Concurrency {
  const { max, key, maxWaiting, waitTimeout } = spec;
  return create(ConcurrencySchema, {
    id,
    max,
    key: [key].flat().map(compileSource),
    waitingMax: maxWaiting,
    waitMsMax: durationMs(waitTimeout),
  });
}
