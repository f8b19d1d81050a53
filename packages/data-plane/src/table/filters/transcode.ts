import type { TranscodeSettings } from '@causeway/filters/transcode/transcode-settings';
import type { Transcode } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readTranscode({ messageBytesMax, ...rest }: Transcode): TranscodeSettings {
  return { ...rest, messageBytesMax: Number(messageBytesMax) };
}
