/** A set of networks that addresses are looked up in. */

import { isIPv4, isIPv6 } from 'node:net';

interface Network {
  readonly bytes: Uint8Array;
  readonly prefixBits: number;
}

/** Immutable. An IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export class CidrSet {
  readonly #networks: readonly Network[];

  /** Takes addresses and CIDR blocks. Throws a TypeError that names the one that is neither. */
  constructor(blocks: Iterable<string>) {
    this.#networks = Array.from(blocks, parseNetwork);
  }

  get isEmpty(): boolean {
    return this.#networks.length === 0;
  }

  /** False for what is no IP address. */
  has(address: string): boolean {
    if (this.#networks.length === 0) return false;
    const bytes = addressBytes(address);
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes));
  }
}

/** Four or sixteen bytes; undefined for what is no IP address. A zone (`fe80::1%eth0`) is left out. */
export function addressBytes(address: string): Uint8Array | undefined {
  const plain = address.split('%', 1)[0]!;
  if (isIPv4(plain)) return Uint8Array.from(plain.split('.'), Number);
  if (!isIPv6(plain)) return undefined;
  const bytes = ipv6Bytes(plain);
  const isMapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return isMapped ? bytes.subarray(12) : bytes;
}

function parseNetwork(block: string): Network {
  const [address = '', prefix, ...rest] = block.split('/');
  const bytes = addressBytes(address);
  if (bytes === undefined || rest.length > 0) throw new TypeError(`${block} is no network`);
  const bits = bytes.length * 8;
  if (prefix === undefined) return { bytes, prefixBits: bits };
  // Of a mapped block the prefix counts the 96 bits that were cut off.
  const prefixBits = isIPv6(address) && bits === 32 ? Number(prefix) - 96 : Number(prefix);
  if (!/^\d{1,3}$/.test(prefix) || prefixBits < 0 || prefixBits > bits)
    throw new TypeError(`${block} is no network`);
  return { bytes, prefixBits };
}

function contains({ bytes, prefixBits }: Network, address: Uint8Array): boolean {
  if (bytes.length !== address.length) return false;
  const whole = prefixBits >> 3;
  for (let at = 0; at < whole; at += 1) if (bytes[at] !== address[at]) return false;
  const mask = (0xff00 >> (prefixBits & 7)) & 0xff;
  return mask === 0 || ((bytes[whole]! ^ address[whole]!) & mask) === 0;
}

function ipv6Bytes(address: string): Uint8Array {
  const [before = '', after] = address.split('::');
  const head = groups(before);
  const tail = after === undefined ? [] : groups(after);
  const middle = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Uint8Array.from([...head, ...middle, ...tail].flatMap((group) => [group >> 8, group & 255]));
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}
