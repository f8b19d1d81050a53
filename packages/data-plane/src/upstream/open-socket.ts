/** Opens a socket to an endpoint, if one may be opened there at all. */

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { socketBufferBytes } from '../socket/message-writer.ts';
import type { ReadMemory } from '../socket/read-memory.ts';
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

export interface SocketOptions {
  readonly target: SocketTarget;
  /** Undefined: plain TCP. */
  readonly tls: UpstreamTls | undefined;
  /** With TLS. */
  readonly alpnProtocol: 'http/1.1' | 'h2';
  /** Of an earlier connection: spares most of the handshake (RFC 8446 section 2.2). */
  readonly session: Buffer | undefined;
  readonly ownPorts: OwnPorts;
  /** Reads into it; undefined: somebody else will read. */
  readonly memory?: ReadMemory;
}

/** @throws ForbiddenAddress where no upstream may be */
export function openSocket(options: SocketOptions): OpeningSocket {
  const { target, tls, alpnProtocol, session, ownPorts, memory } = options;
  const { address, port, name, serverName } = target;
  const refusal = checkUpstreamAddress(address, port, ownPorts);
  if (refusal !== undefined) throw refusal;
  const tcp = {
    host: address,
    port,
    highWaterMark: socketBufferBytes,
    ...(memory && { onread: memory.onread }),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
  };
  if (tls === undefined) return { socket: connectTcp(tcp), readyEvent: 'connect' };
  const secure = tlsConnectOptions(tls, { serverName, address: name }, alpnProtocol);
  const socket = connectTls({ ...tcp, ...secure, ...(session !== undefined && { session }) });
  return { socket, readyEvent: 'secureConnect' };
}
