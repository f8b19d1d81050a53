import { create } from '@bufbuild/protobuf';
import type { VersionSpec } from '@causeway/model/filters/version';
import { type Version, VersionSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function compileVersion({ current, deprecatedAt, sunsetAt, link = '' }: VersionSpec): Version {
  return create(VersionSchema, {
    current,
    link,
    ...(deprecatedAt !== undefined && { deprecatedAtMs: BigInt(Date.parse(deprecatedAt)) }),
    ...(sunsetAt !== undefined && { sunsetAtMs: BigInt(Date.parse(sunsetAt)) }),
  });
}
