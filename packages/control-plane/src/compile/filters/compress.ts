import { create } from '@bufbuild/protobuf';
import type { CompressSpec } from '@causeway/model/filters/compress';
import { sizeBytes } from '@causeway/model/quantity';
import { type Compress, CompressSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function compileCompress({ encodings, minSize, types }: CompressSpec): Compress {
  return create(CompressSchema, {
    encodings,
    bytesMin: BigInt(sizeBytes(minSize)),
    types: types.map((type) => type.toLowerCase()),
  });
}
