/** A client's connection that has become a tunnel: for its listener still a connection, counted and cut like others. */

import { type GivenSocket, SocketTunnel } from '../socket/socket-tunnel.ts';
import type { PeerConnection } from '../proxy/exchange.ts';
import type { TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { ConnectionContext, ListenedConnection } from './connection-context.ts';

export class ClientTunnel extends SocketTunnel implements ListenedConnection {
  readonly connection: PeerConnection;

  constructor(
    context: ConnectionContext,
    connection: PeerConnection,
    given: GivenSocket,
    events: TunnelPeerEvents,
  ) {
    super(given, 'client', events, () => context.onConnectionClosed(this));
    this.connection = connection;
  }

  /** Nothing keeps it from reading but its other end. */
  advance(): void {}

  /** No request will follow. */
  moveTo(): void {}

  leaveAfterNext(): void {}

  /** When it ends is for the node to say, which knows what it carries. */
  leave(): void {}
}
