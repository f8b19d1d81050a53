/** Addresses that a process listens on: read from text, judged, and explained when the system refuses them. */

import { isIP, isIPv6 } from 'node:net';

import { systemCodeOf } from './errors.ts';

export interface ListenAddress {
  /** An IP address without brackets, or a host name to resolve. */
  readonly host: string;
  /** 0 to 65535; 0 asks the system for a free one. */
  readonly port: number;
}

const portMax = 65_535;
const hostNamePattern =
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i;

/** Reads `127.0.0.1:7080`, `[::1]:7080`, `localhost:7080`; undefined when `text` is none of them. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const [, bracketed, bare, portText] = parts;
  const port = Number(portText);
  if (port > portMax) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  if (bare === undefined || !(isIP(bare) === 4 || isHostName(bare))) return undefined;
  return { host: bare, port };
}

/** The text that `parseListenAddress` reads back. */
export function formatListenAddress(address: ListenAddress): string {
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether only this machine can reach `host`: 127.0.0.0/8 (mapped into IPv6 too), ::1, `localhost` (RFC 6761 section 6.3). */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:/, '');
  if (plain === 'localhost' || plain.endsWith('.localhost')) return true;
  if (isIP(plain) === 4) return plain.startsWith('127.');
  return isIPv6(plain) && new URL(`http://[${plain}]`).hostname === '[::1]';
}

/**
 * One sentence for a failed listen that names the flag to change; undefined for an error that is about something else.
 * `flag` is written as the user types it, such as `--admin-addr`.
 */
export function explainListenError(error: unknown, address: ListenAddress, flag: string): string | undefined {
  const where = formatListenAddress(address);
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return `${where} is in use by another process: stop that process, or choose another port with ${flag}.`;
    case 'EACCES':
      return `${where} may not be opened by this user (ports below 1024 need a privilege): choose a higher port with ${flag}.`;
    case 'EADDRNOTAVAIL':
      return `${address.host} is no address of this machine: choose one that is with ${flag}.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host name ${address.host} does not resolve: choose another with ${flag}.`;
    case undefined:
    default:
      return undefined;
  }
}

/** A dotted run of digits is a mistyped IPv4 address, not a name (RFC 1123 section 2.1). */
function isHostName(text: string): boolean {
  return hostNamePattern.test(text) && !/^[\d.]+$/.test(text);
}
