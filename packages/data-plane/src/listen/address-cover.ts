/** Which addresses a listening socket takes connections for; of two on one port the more specific gets them. */

import { isIPv4, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';

import { plainAddress } from '../proxy/client-address.ts';

/** A listening socket, and the key of the table's socket that its connections belong to. */
export interface Home {
  readonly key: string;
  readonly address: string;
  readonly port: number;
}

const everyIPv4 = '0.0.0.0';
/** Takes IPv4 too: Node.js opens it for both families. */
const everyAddress = '::';

export function isSameAddress(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

/** Whether a socket on `bound` gets connections to `address`, when no other socket is more specific. */
export function covers(bound: string, address: string): boolean {
  const [by, what] = [canonical(bound), canonical(address)];
  return by === what || by === everyAddress || (by === everyIPv4 && isIPv4(what));
}

export function isWildcard(address: string): boolean {
  return canonical(address) === everyIPv4 || canonical(address) === everyAddress;
}

/**
 * Finds the key for a local address on `port` as the system does: its own socket, then all of IPv4, then all there is. Remembers
 * what it found, as connections are many and local addresses few.
 */
export function homeFinder(homes: readonly Home[], port: number): (address: string) => string | undefined {
  const found = new Map<string, string | undefined>();
  const onPort = homes.filter((home) => home.port === port);
  return (address) => {
    if (!found.has(address)) found.set(address, homeOf(onPort, address)?.key);
    return found.get(address);
  };
}

/** The addresses of this machine that a socket on the wildcard `address` takes, without those that need a zone. */
export function addressesOf(address: string): string[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter((entry) => !(entry.family === 'IPv6' && entry.scopeid !== 0))
    .map((entry) => entry.address)
    .filter((each) => covers(address, each));
}

function homeOf(homes: readonly Home[], address: string): Home | undefined {
  const fitting = homes.filter((home) => covers(home.address, address));
  return (
    fitting.find((home) => !isWildcard(home.address)) ??
    fitting.find((home) => isIPv4(home.address)) ??
    fitting[0]
  );
}

function canonical(address: string): string {
  const plain = plainAddress(address.toLowerCase().replace(/%.*$/, ''));
  return isIPv4(plain) ? plain : new SocketAddress({ address: plain, family: 'ipv6' }).address;
}
