/** Addresses that no upstream may have: nodes do not connect to them, and neither does the control plane for its users. */

import { BlockList, isIP } from 'node:net';
import { forbiddenUpstreamNetworks } from '@causeway/proto/forbidden-addresses';
import { isLoopback, type ListenAddress } from '@causeway/runtime/listen-address';

const forbiddenUpstreams = new BlockList();
for (const network of forbiddenUpstreamNetworks) {
  const [address = '', bits] = network.split('/');
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  if (bits === undefined) forbiddenUpstreams.addAddress(address, family);
  else forbiddenUpstreams.addSubnet(address, Number(bits), family);
}

/** Why nothing may connect there. Of a name nothing is known before it is resolved. */
export function forbiddenAddress(
  address: string,
  port: number,
  ownAddresses: readonly ListenAddress[],
): { detail: string; hint: string } | undefined {
  const version = isIP(address);
  if (version !== 0 && forbiddenUpstreams.check(address, version === 4 ? 'ipv4' : 'ipv6')) {
    return {
      detail: `${address} is a link-local, metadata or unspecified address, which no endpoint may have`,
      hint: 'name the address that the upstream listens on',
    };
  }
  if (ownAddresses.some((own) => own.port === port && isSameHost(own.host, address))) {
    return {
      detail: `${address}:${port} is the control plane itself`,
      hint: 'no Route may lead to the control plane',
    };
  }
  return undefined;
}

/** Loopback has many spellings, so on a port of ours every one of them is refused. */
function isSameHost(own: string, address: string): boolean {
  return own === address || (isLoopback(own) && isLoopback(address));
}
