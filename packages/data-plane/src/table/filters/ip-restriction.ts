import type { IpRestrictionSettings } from '@causeway/filters/ip-restriction';
import type { IpRestriction } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readIpRestriction({ allow, deny }: IpRestriction): IpRestrictionSettings {
  // It would let everybody in.
  if (allow.length + deny.length === 0) throw new Error('a restriction of addresses names none');
  return { allow, deny };
}
