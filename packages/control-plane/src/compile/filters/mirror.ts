import { create } from '@bufbuild/protobuf';
import type { MirrorSpec } from '@causeway/model/filters/mirror';
import { sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { type Mirror, MirrorSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** `namespace`: of the Service. */
export function compileMirror(
  { service, percent, maxBodySize }: MirrorSpec,
  namespace: string | undefined,
): Mirror {
  return create(MirrorSchema, {
    service: qualifiedName(namespace, service),
    percent,
    bodyBytesMax: BigInt(sizeBytes(maxBodySize)),
  });
}
