import { create } from '@bufbuild/protobuf';
import type { IpRestrictionSpec } from '@causeway/model/filters/ip-restriction';
import {
  type IpRestriction,
  IpRestrictionSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function compileIpRestriction({ allow, deny }: IpRestrictionSpec): IpRestriction {
  return create(IpRestrictionSchema, { allow, deny });
}
