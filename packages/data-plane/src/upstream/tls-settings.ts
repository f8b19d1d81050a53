/** TLS towards the endpoints of a Service. */

import { isIP } from 'node:net';
import {
  checkServerIdentity,
  type ConnectionOptions,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  setDefaultCACertificates,
} from 'node:tls';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** How a Service speaks TLS. Keys live in the context alone, so that nothing can print them. */
export interface UpstreamTls {
  /** SNI and verified name of endpoints without one of their own; undefined = the DNS name of their address. */
  readonly serverName: string | undefined;
  /** False takes any certificate. */
  readonly verify: boolean;
  /** Trust, client certificate and oldest version; made once for all connections of the Service. */
  readonly context: SecureContext;
}

export interface UpstreamTlsParts {
  readonly serverName: string | undefined;
  /** PEM; empty = the system store, see `trustSystemStore`. */
  readonly trust: readonly string[];
  /** Chain and key, PEM, for endpoints that ask for a certificate. */
  readonly client: { readonly chain: string; readonly key: string } | undefined;
  readonly verify: boolean;
  readonly minVersion: TlsVersion;
}

/** Throws an Error that says what OpenSSL does not like about a certificate or key; it quotes neither. */
export function createUpstreamTls(parts: UpstreamTlsParts): UpstreamTls {
  const { serverName, trust, client, verify, minVersion } = parts;
  const context = createSecureContext({
    minVersion,
    // Without `ca` all contexts share the process's default store; a list of their own costs 7 ms and a mebibyte each.
    ...(trust.length > 0 && { ca: [...trust] }),
    ...(client && { cert: client.chain, key: client.key }),
  });
  return { serverName, verify, context };
}

/**
 * Options of `tls.connect` for one endpoint. `endpoint.serverName` goes before the Service's, that before the address. A
 * name that is an IP address is verified and not sent (RFC 6066 section 3). `alpnProtocol` is the only one that is offered.
 */
export function tlsConnectOptions(
  { serverName, verify, context }: UpstreamTls,
  endpoint: { readonly serverName: string | undefined; readonly address: string },
  alpnProtocol: 'http/1.1' | 'h2',
): ConnectionOptions {
  const name = endpoint.serverName ?? serverName ?? endpoint.address;
  return {
    secureContext: context,
    servername: isIP(name) === 0 ? name : '',
    ALPNProtocols: [alpnProtocol],
    rejectUnauthorized: verify,
    // The connection is made to an address that was resolved before, which says nothing about the name.
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  };
}

/**
 * Makes the certificates of the operating system the default trust of this thread, in the place of those that come with
 * Node, which stay where the system has none. Reading them blocks for some 60 ms: call it once, at the start.
 *
 * @returns how many there are.
 */
export function trustSystemStore(): number {
  const system = getCACertificates('system');
  if (system.length > 0) setDefaultCACertificates(system);
  return system.length;
}
