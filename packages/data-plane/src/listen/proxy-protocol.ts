/** The PROXY protocol (haproxy.org, doc/proxy-protocol.txt), v1 and v2: who a proxy says that it speaks for. Pure. */

import { isIPv4, isIPv6 } from 'node:net';
import { canonicalIPv6 } from '../proxy/client-address.ts';

/** What the first bytes of a connection are. */
export type ProxyHeader =
  /** Too few to tell. */
  | { readonly kind: 'more' }
  /** No such header: they belong to whatever comes next. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly detail: string }
  /** `source` undefined: the proxy speaks for itself, or for somebody without an IP address. */
  | { readonly kind: 'header'; readonly length: number; readonly source: ProxySource | undefined };

export interface ProxySource {
  readonly address: string;
  readonly port: number;
}

/** The longest line of v1, its end included. */
const lineBytesMax = 107;
/** Of a v2 header behind its first 16 bytes: addresses take 36 of them (216 for Unix sockets), the rest is for extensions. */
const bodyBytesMax = 4096;

const linePrefix = Buffer.from('PROXY ', 'latin1');
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const fixedBytes = 16;

/** @param bytes all that has come, from the first byte of the connection on. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsWith(bytes, signature)) return bytes.length < fixedBytes ? { kind: 'more' } : readBinary(bytes);
  if (startsWith(bytes, linePrefix))
    return bytes.length < linePrefix.length ? { kind: 'more' } : readLine(bytes);
  return { kind: 'absent' };
}

/** True for a part of the prefix too. */
function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  const common = Math.min(bytes.length, prefix.length);
  return bytes.compare(prefix, 0, common, 0, common) === 0;
}

function malformed(detail: string): ProxyHeader {
  return { kind: 'malformed', detail };
}

function readLine(bytes: Buffer): ProxyHeader {
  const line = bytes.toString('latin1', 0, lineBytesMax);
  const end = line.indexOf('\r\n');
  if (end === -1) return bytes.length < lineBytesMax ? { kind: 'more' } : malformed('its line does not end');
  const [, protocol, address = '', destination = '', port = '', destinationPort = '', ...more] = line
    .slice(0, end)
    .split(' ');
  const length = end + 2;
  // What follows UNKNOWN means nothing (section 2.1).
  if (protocol === 'UNKNOWN') return { kind: 'header', length, source: undefined };
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined) return malformed('its protocol is neither TCP4 nor TCP6 nor UNKNOWN');
  if (!isAddress(address) || !isAddress(destination))
    return malformed(`an address of it is none of ${protocol}`);
  if (!isPort(port) || !isPort(destinationPort) || more.length > 0) return malformed('its ports are not two');
  const source = protocol === 'TCP6' ? canonicalIPv6(address) : address;
  return { kind: 'header', length, source: { address: source, port: Number(port) } };
}

/** Without a zone. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

const Family = { unspecified: 0x0, inet: 0x1, inet6: 0x2, unix: 0x3 } as const;
const addressBytes: Readonly<Record<number, number>> = {
  [Family.unspecified]: 0,
  [Family.inet]: 12,
  [Family.inet6]: 36,
  [Family.unix]: 216,
};
const stream = 0x1;

/** @param bytes the first 16 of them at least. */
function readBinary(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes[12]!;
  const familyAndTransport = bytes[13]!;
  const bodyLength = bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2) return malformed('its version is not 2');
  if (command > 1) return malformed('its command is neither LOCAL nor PROXY');
  if (bodyLength > bodyBytesMax) return malformed(`it is longer than ${bodyBytesMax + fixedBytes} bytes`);
  const length = fixedBytes + bodyLength;
  if (bytes.length < length) return { kind: 'more' };
  // What LOCAL brings along is to be skipped, whatever it is (section 2.2).
  if (command === 0) return { kind: 'header', length, source: undefined };
  const family = familyAndTransport >> 4;
  const transport = familyAndTransport & 0x0f;
  const addresses = addressBytes[family];
  if (addresses === undefined) return malformed('its address family is unknown');
  if (family !== Family.unspecified && transport !== stream) return malformed('it is about no stream');
  if (bodyLength < addresses) return malformed('it is too short for its addresses');
  const fault = extensionFault(bytes.subarray(0, length), fixedBytes + addresses);
  if (fault !== undefined && family !== Family.unspecified) return malformed(fault);
  return { kind: 'header', length, source: sourceOf(bytes, family) };
}

function sourceOf(bytes: Buffer, family: number): ProxySource | undefined {
  if (family === Family.inet)
    return { address: bytes.subarray(16, 20).join('.'), port: bytes.readUInt16BE(24) };
  if (family !== Family.inet6) return undefined;
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(16 + 2 * at).toString(16));
  return { address: canonicalIPv6(groups.join(':')), port: bytes.readUInt16BE(48) };
}

/** Type of the extension that holds a checksum of the header (section 2.2.3). */
const checksumType = 0x03;

/** Extensions are type, length, value; of their values only the checksum is looked at. */
function extensionFault(header: Buffer, start: number): string | undefined {
  for (let at = start; at < header.length; ) {
    if (at + 3 > header.length) return 'an extension of it is cut off';
    const value = at + 3;
    const next = value + header.readUInt16BE(at + 1);
    if (next > header.length) return 'an extension of it is cut off';
    if (header[at] === checksumType) {
      if (next - value !== 4) return 'its checksum has not four bytes';
      if (crc32c(header, value) !== header.readUInt32BE(value)) return 'its checksum is wrong';
    }
    at = next;
  }
  return undefined;
}

/** CRC-32C (RFC 9260 appendix A) of the header with zeros in the place of the checksum itself. */
function crc32c(header: Buffer, checksumAt: number): number {
  let crc = 0xffffffff;
  for (const [at, byte] of header.entries()) {
    crc ^= at >= checksumAt && at < checksumAt + 4 ? 0 : byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
