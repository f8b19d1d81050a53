import type { CompressSettings } from '@causeway/filters/compress/compress';
import type { Encoding } from '@causeway/filters/compress/accept-encoding';
import type { Compress } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

export function readCompress({ encodings, bytesMin, types }: Compress): CompressSettings {
  return { encodings: encodings.map(readEncoding), bytesMin: Number(bytesMin), types };
}

function readEncoding(encoding: string): Encoding {
  if (encoding === 'zstd' || encoding === 'br' || encoding === 'gzip') return encoding;
  throw new UnknownChoice(`content coding ${encoding}`);
}
