import type { FaultSettings } from '@causeway/filters/fault-injection';
import type { FaultInjection } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readFault({ percent, delayMs, abort }: FaultInjection): FaultSettings {
  return { percent, delayMs, abort: abort.case === 'reset' ? 'reset' : abort.value };
}
