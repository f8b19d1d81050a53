/** Opens a socket to an endpoint, if one may be opened there at all. */

import { connect as connectTcp, type Socket } from 'node:net';

import { checkUpstreamAddress, type OwnPorts } from './address-guard.ts';

/** Where a connection leads to. */
export interface SocketTarget {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

/** TCP keep-alive finds peers that vanished without a word. */
const tcpKeepAliveMs = 60_000;

/** @throws ForbiddenAddress where no upstream may be */
export function openSocket(target: SocketTarget, ownPorts: OwnPorts): Socket {
  const { address, port } = target;
  const refusal = checkUpstreamAddress(address, port, ownPorts);
  if (refusal !== undefined) throw refusal;
  return connectTcp({
    host: address,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
    // Told of the end ourselves: a response may be complete by it.
    allowHalfOpen: false,
  });
}
