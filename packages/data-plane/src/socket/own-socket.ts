/** The events of a socket, for the one object that it belongs to. */

import type { Socket } from 'node:net';

export interface SocketOwner {
  /** The peer sends no more. */
  onSocketEnd(): void;
  /** `onSocketClose` follows. */
  onSocketError(error: Error): void;
  onSocketClose(): void;
}

interface OwnedSocket extends Socket {
  owner?: SocketOwner;
}

/** One function for all sockets: a closure for each event of each connection would cost more memory than its parser. */
export function ownSocket(socket: Socket, owner: SocketOwner): void {
  (socket as OwnedSocket).owner = owner;
  socket.on('end', onEnd);
  socket.on('error', onError);
  socket.on('close', onClose);
}

/** Another object is to own the socket, or whoever reads it beside us. */
export function disownSocket(socket: Socket): void {
  socket.off('end', onEnd).off('error', onError).off('close', onClose);
  socket.removeAllListeners('data');
}

function onEnd(this: OwnedSocket): void {
  this.owner!.onSocketEnd();
}

function onError(this: OwnedSocket, error: Error): void {
  this.owner!.onSocketError(error);
}

function onClose(this: OwnedSocket): void {
  this.owner!.onSocketClose();
}
