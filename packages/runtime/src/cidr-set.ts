/** A set of networks that addresses are looked up in. */

import { isIPv4, isIPv6 } from 'node:net';

interface Network {
  readonly bytes: Uint8Array;
  readonly prefixBits: number;
}

/** As signed numbers of 32 bits, which `&` gives. */
interface MaskedIPv4 {
  readonly mask: number;
  readonly base: number;
}

const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;

/** Immutable. An IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export class CidrSet {
  readonly #networks: readonly Network[];
  readonly #ofIPv4: readonly MaskedIPv4[];

  /** Takes addresses and CIDR blocks. Throws a TypeError that names the one that is neither. */
  constructor(blocks: Iterable<string>) {
    this.#networks = Array.from(blocks, parseNetwork);
    this.#ofIPv4 = this.#networks.filter(({ bytes }) => bytes.length === 4).map(maskedIPv4);
  }

  get isEmpty(): boolean {
    return this.#networks.length === 0;
  }

  /** False for what is no IP address. */
  has(address: string): boolean {
    if (this.#networks.length === 0) return false;
    // Hot path: most clients have such an address, which takes no object to look at.
    const number = ipv4Number(address);
    if (number >= 0) return this.#hasIPv4(number);
    const bytes = addressBytes(address);
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes));
  }

  #hasIPv4(number: number): boolean {
    for (const { mask, base } of this.#ofIPv4) if ((number & mask) === base) return true;
    return false;
  }
}

/** The address as a number of 32 bits without sign; -1 for what is no IPv4 address as it is written by itself. */
function ipv4Number(address: string): number {
  let number = 0;
  let part = -1;
  let dots = 0;
  for (let at = 0; at < address.length; at += 1) {
    const code = address.charCodeAt(at);
    if (code === dot && part >= 0) {
      number = number * 256 + part;
      part = -1;
      dots += 1;
    } else if (code >= zero && code <= nine && part !== 0) {
      part = Math.max(part, 0) * 10 + code - zero;
      if (part > 255) return -1;
    } else return -1;
  }
  return dots === 3 && part >= 0 ? number * 256 + part : -1;
}

function maskedIPv4({ bytes, prefixBits }: Network): MaskedIPv4 {
  const mask = prefixBits === 0 ? 0 : -1 << (32 - prefixBits);
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { mask, base: number & mask };
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
