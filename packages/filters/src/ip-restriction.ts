/** Who may come in, by address. */

import { CidrSet } from '@causeway/runtime/cidr-set';

import type { Filter, Refusal } from './filter.ts';

/** Addresses and CIDR blocks; at least one of them is not empty. */
export interface IpRestrictionSettings {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const refusal: Refusal = { kind: 'refusal', reason: 'forbidden' };

/** What is denied stays out whatever is allowed; where something is allowed, everything else stays out. Throws for what is no network. */
export function createIpRestrictionFilter(name: string, { allow, deny }: IpRestrictionSettings): Filter {
  const allowed = new CidrSet(allow);
  const denied = new CidrSet(deny);
  return {
    kind: 'ipRestriction',
    name,
    demands: `ipRestriction ${JSON.stringify([allow, deny])}`,
    onRequestHead: ({ clientAddress }) =>
      denied.has(clientAddress) || (!allowed.isEmpty && !allowed.has(clientAddress)) ? refusal : undefined,
  };
}
