import { create } from '@bufbuild/protobuf';
import type { FaultInjectionSpec } from '@causeway/model/filters/fault-injection';
import { durationMs } from '@causeway/model/quantity';
import {
  type FaultInjection,
  FaultInjectionSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function compileFaultInjection({ percent, delay, abort }: FaultInjectionSpec): FaultInjection {
  const delayMs = delay === undefined ? 0 : durationMs(delay);
  if (abort === undefined) return create(FaultInjectionSchema, { percent, delayMs });
  const end: FaultInjection['abort'] =
    abort.status === undefined ? { case: 'reset', value: true } : { case: 'status', value: abort.status };
  return create(FaultInjectionSchema, { percent, delayMs, abort: end });
}
