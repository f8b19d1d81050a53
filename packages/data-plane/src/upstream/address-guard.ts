/** Addresses that no upstream may have, judged on the address that is really connected to. */

import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { forbiddenUpstreamNetworks } from '@causeway/proto/forbidden-addresses';
import { isLoopback } from '@causeway/runtime/listen-address';

import { addressBytes, CidrSet } from '../proxy/cidr-set.ts';

const forbidden = new CidrSet(forbiddenUpstreamNetworks);

/**
 * Ports of this machine that no upstream may have: this node's own, where a request would come back for ever, and those of
 * a control plane beside it, which trusts this machine.
 */
export interface OwnPorts {
  has(port: number): boolean;
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** Thrown, and given to callbacks, instead of connecting. */
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

/** A look-up for `net.connect` that drops forbidden addresses, and fails when none is left. */
export function createGuardedLookup(port: number, ownPorts: OwnPorts) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      let refusal: ForbiddenAddress | undefined;
      const allowed = addresses.filter(({ address }) => {
        const refused = checkUpstreamAddress(address, port, ownPorts);
        refusal ??= refused;
        return refused === undefined;
      });
      const [first] = allowed;
      if (first === undefined)
        return callback(refusal ?? new ForbiddenAddress(`${hostname} has no address`), []);
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
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
