import { create } from '@bufbuild/protobuf';
import type { TranscodeSpec } from '@causeway/model/filters/transcode';
import { sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { type Transcode, TranscodeSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** `namespace`: of the DescriptorSet. */
export function compileTranscode(
  {
    descriptors,
    services,
    headers,
    responseHeaders,
    timeoutHeader,
    unmatched,
    json,
    maxMessageSize,
  }: TranscodeSpec,
  namespace: string | undefined,
): Transcode {
  return create(TranscodeSchema, {
    ...json,
    descriptors: qualifiedName(namespace, descriptors),
    services,
    headers,
    responseHeaders,
    timeoutHeader,
    passesUnmatched: unmatched === 'pass',
    messageBytesMax: BigInt(sizeBytes(maxMessageSize)),
  });
}
