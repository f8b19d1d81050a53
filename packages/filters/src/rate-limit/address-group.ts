/** Addresses that are one client: an IPv4 address, or the 64 bits of IPv6 that one customer of a provider has at least (RFC 6177). */

export function addressGroup(address: string): string {
  return address.includes(':') ? firstGroups(address) : address;
}

/** The first four groups, however the address is shortened (RFC 4291 section 2.2). */
function firstGroups(address: string): string {
  const [before = '', after] = address.split('::');
  const head = before === '' ? [] : before.split(':');
  if (after === undefined) return `${head.slice(0, 4).map(plain).join(':')}::/64`;
  const tail = after === '' ? [] : after.split(':');
  // A dotted end stands for two groups.
  const tailGroups = tail.length + (tail.at(-1)?.includes('.') === true ? 1 : 0);
  const zeros = Array.from({ length: Math.max(8 - head.length - tailGroups, 0) }, () => '0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).map(plain).join(':')}::/64`;
}

function plain(group: string): string {
  return group.toLowerCase().replace(/^0+(?=.)/, '');
}
