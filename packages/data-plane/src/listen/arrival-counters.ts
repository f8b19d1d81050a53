/** Connections that ended before they were a client's, by reason; read at each scrape. */

/** Why a TLS handshake failed. `refused`: the client did not want our certificate or offer, as its alert says. */
export const handshakeFailures = [
  'version',
  'cipher',
  'alpn',
  'clientCertificate',
  'plainHttp',
  'malformed',
  'refused',
  'closed',
  'timeout',
] as const;
export type HandshakeFailure = (typeof handshakeFailures)[number];

/** Why a connection to a listener with PROXY protocol was closed. */
export const proxyFailures = ['untrusted', 'missing', 'malformed', 'closed', 'timeout'] as const;
export type ProxyFailure = (typeof proxyFailures)[number];

export class ArrivalCounters {
  readonly handshakes: Record<HandshakeFailure, number> = {
    version: 0,
    cipher: 0,
    alpn: 0,
    clientCertificate: 0,
    plainHttp: 0,
    malformed: 0,
    refused: 0,
    closed: 0,
    timeout: 0,
  };
  readonly proxy: Record<ProxyFailure, number> = {
    untrusted: 0,
    missing: 0,
    malformed: 0,
    closed: 0,
    timeout: 0,
  };
}
