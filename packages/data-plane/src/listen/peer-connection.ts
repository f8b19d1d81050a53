/** Whom requests of a connection are from, in the terms of the request path. */

import type { PeerConnection } from '../proxy/exchange.ts';
import type { ConnectionOrigin } from './arrival.ts';

export function peerConnection(
  socketKey: string,
  localPort: number,
  { peerAddress, peerPort, tls }: ConnectionOrigin,
): PeerConnection {
  return {
    socketKey,
    peerAddress,
    peerPort,
    localPort,
    scheme: tls === undefined ? 'http' : 'https',
    tls,
  };
}
