/** Opens a socket to an endpoint, if one may be opened there at all. */

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { checkUpstreamAddress, type OwnPorts } from './address-guard.ts';
import { tlsConnectOptions, type UpstreamTls } from './tls-settings.ts';

/** Where a connection leads to. */
export interface SocketTarget {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** Name of the address before it was resolved; the address itself where there was none. */
  readonly name: string;
  /** SNI and verified name of this endpoint; undefined = that of the Service, else `name`. */
  readonly serverName: string | undefined;
}

/** A socket that connects, and the event by which it says that it can be written to. */
export interface OpeningSocket {
  readonly socket: Socket;
  readonly readyEvent: 'connect' | 'secureConnect';
}

/** TCP keep-alive finds peers that vanished without a word. */
const tcpKeepAliveMs = 60_000;

/**
 * `tls` undefined: plain TCP. `session` of an earlier connection spares most of the handshake (RFC 8446 section 2.2).
 * @throws ForbiddenAddress where no upstream may be
 */
export function openSocket(
  target: SocketTarget,
  tls: UpstreamTls | undefined,
  session: Buffer | undefined,
  ownPorts: OwnPorts,
): OpeningSocket {
  const { address, port, name, serverName } = target;
  const refusal = checkUpstreamAddress(address, port, ownPorts);
  if (refusal !== undefined) throw refusal;
  const tcp = {
    host: address,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
  };
  if (tls === undefined) return { socket: connectTcp(tcp), readyEvent: 'connect' };
  const secure = tlsConnectOptions(tls, { serverName, address: name });
  const socket = connectTls({ ...tcp, ...secure, ...(session !== undefined && { session }) });
  return { socket, readyEvent: 'secureConnect' };
}
