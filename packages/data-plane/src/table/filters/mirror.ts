import type { MirrorSettings } from '@causeway/filters/mirror';
import type { Mirror } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readMirror({ service, percent, bodyBytesMax }: Mirror): MirrorSettings {
  return { service, percent, bodyBytesMax: Number(bodyBytesMax) };
}
