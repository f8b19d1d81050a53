/** What may stand in Host and in the authority of a request-target. */

import { Buffer } from 'node:buffer';
import { isIPv6 } from 'node:net';

/**
 * Deviation: of `uri-host [ ":" port ]` (RFC 9110 section 7.2) names of letters, digits, dot, hyphen and underscore pass, and IPv6 in
 * brackets. Escapes, sub-delimiters and an empty port are legal, but servers differ in what they make of them.
 */
const hostPattern = /^(?:[A-Za-z0-9._-]{1,253}|\[([0-9A-Fa-f:.]{2,45})\])(?::(\d{1,5}))?$/;
const portMax = 65_535;

/** Clients repeat themselves: the last host is the next one's most of the time. */
let last = '';

export function isHost(text: string): boolean {
  if (text === last && text !== '') return true;
  const parts = hostPattern.exec(text);
  if (parts === null) return false;
  const [, address, port] = parts;
  if (address !== undefined && !isIPv6(address)) return false;
  if (port !== undefined && Number(port) > portMax) return false;
  // A copy of its own, for a part of a head's text would keep the text alive.
  last = Buffer.from(text, 'latin1').toString('latin1');
  return true;
}
