/** Addresses that no upstream may have, judged on the address that is really connected to. */

import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { forbiddenUpstreamNetworks } from '@causeway/proto/forbidden-addresses';
import { isLoopback } from '@causeway/runtime/listen-address';

import { addressBytes, CidrSet } from '@causeway/runtime/cidr-set';

const forbidden = new CidrSet(forbiddenUpstreamNetworks);

/**
 * Ports of this machine that no upstream may have: this node's own, where a request would come back for ever, and those of
 * a control plane beside it, which trusts this machine.
 */
export interface OwnPorts {
  has(port: number): boolean;
}

/** Thrown instead of connecting. */
export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
  readonly code = 'ERR_FORBIDDEN_ADDRESS';
}

/** Undefined when a connection to `address` (an IP address) and `port` may be made. */
export function checkUpstreamAddress(
  address: string,
  port: number,
  ownPorts: OwnPorts,
): ForbiddenAddress | undefined {
  if (forbidden.has(address)) return new ForbiddenAddress(`${address} is link-local or a metadata service`);
  if (ownPorts.has(port) && isOwnAddress(address))
    return new ForbiddenAddress(`${address}:${port} is Causeway itself`);
  return undefined;
}

function isOwnAddress(address: string): boolean {
  if (isIP(address) !== 0 && isLoopback(address)) return true;
  const bytes = addressBytes(address);
  const ours = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return ours.some((entry) => {
    const other = addressBytes(entry.address);
    return other !== undefined && bytes !== undefined && Buffer.compare(other, bytes) === 0;
  });
}
