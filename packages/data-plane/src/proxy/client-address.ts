/** Who the client is, when proxies stand before us: the right-most address that is not one of the trusted proxies. */

import { isIPv4, isIPv6 } from 'node:net';
import type { MessageHead } from '@causeway/http1/message-head';
import type { CidrSet } from '@causeway/runtime/cidr-set';

import { fieldValues } from './head-fields.ts';

export interface ClientAddressRule {
  readonly trustedProxies: CidrSet;
  readonly header: 'x-forwarded-for' | 'forwarded';
}

/** Most hops that are looked at: a longer chain is a forgery or a loop. */
const hopsMax = 50;

/**
 * The address of the client. What an untrusted peer says is not looked at. From the right, every address is vouched for by the
 * trusted proxy that added it; the first one that is no trusted proxy is the client. An entry that is no address ends the walk at
 * the proxy that sent it; when all are trusted the left-most is the client.
 */
export function clientAddress(peerAddress: string, head: MessageHead, rule: ClientAddressRule): string {
  const { trustedProxies, header } = rule;
  if (trustedProxies.isEmpty || !trustedProxies.has(peerAddress)) return plainAddress(peerAddress);
  const hops =
    header === 'forwarded'
      ? forwardedFor(fieldValues(head, 'forwarded'))
      : fieldValues(head, 'x-forwarded-for').flatMap((value) => value.split(','));
  let client = plainAddress(peerAddress);
  for (const hop of hops.slice(-hopsMax).toReversed()) {
    const address = hopAddress(hop);
    if (address === undefined) return client;
    client = address;
    if (!trustedProxies.has(address)) return client;
  }
  return client;
}

/** Of an address as the system spells it: one of IPv4 that is mapped into IPv6 is shown as what it is. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

/** One spelling of each address (RFC 5952); one of IPv4 that is mapped into IPv6, as proxies on dual-stack sockets send it, is that of IPv4. No zone. */
export function canonicalIPv6(address: string): string {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const bytes = [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff]);
  return bytes.join('.');
}

/** The `for` of each element (RFC 7239 section 4); one without it is the empty text. */
function forwardedFor(values: readonly string[]): string[] {
  return values
    .flatMap((value) => value.split(','))
    .map((element) => {
      const pair = element.split(';').find((part) => /^\s*for\s*=/i.test(part));
      return pair === undefined
        ? ''
        : pair
            .slice(pair.indexOf('=') + 1)
            .trim()
            .replace(/^"(.*)"$/, '$1');
    });
}

/** The address of `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` or `2001:db8::1` in its one spelling; undefined for anything else. */
function hopAddress(hop: string): string | undefined {
  const text = hop.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  if (isIPv4(bare)) return bare;
  return isIPv6(bare) ? canonicalIPv6(bare.split('%', 1)[0]!) : undefined;
}
