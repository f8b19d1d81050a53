/** A socket as one end of a tunnel. Takes over from the connection that has agreed on the tunnel, of which nothing else is needed any more. */

import type { Socket } from 'node:net';

import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { TunnelSide } from '../streams/websocket/tunnel-pass.ts';
import type { MessageWriter } from './message-writer.ts';
import { disownSocket, ownSocket, type SocketOwner } from './own-socket.ts';
import type { ReadMemory } from './read-memory.ts';

/** What a connection gives up. */
export interface GivenSocket {
  readonly socket: Socket;
  readonly memory: ReadMemory;
  readonly writer: MessageWriter;
  /** What has been read of the other protocol already. */
  readonly early: Buffer;
}

const nothing = Buffer.alloc(0);

export class SocketTunnel implements TunnelPeer, SocketOwner {
  readonly #socket: Socket;
  readonly #memory: ReadMemory;
  readonly #writer: MessageWriter;
  readonly #side: TunnelSide;
  readonly #events: TunnelPeerEvents;
  readonly #onGone: (() => void) | undefined;
  #early: Buffer;
  /** Nothing more may be written. */
  #isEnded = false;

  /** `onGone` is told when the socket is closed, before anybody else. */
  constructor(given: GivenSocket, side: TunnelSide, events: TunnelPeerEvents, onGone?: () => void) {
    const { socket, memory, writer, early } = given;
    this.#socket = socket;
    this.#memory = memory;
    this.#writer = writer;
    this.#early = early;
    this.#side = side;
    this.#events = events;
    this.#onGone = onGone;
    // Each side may end alone; of an upstream's socket the runtime would end the other side by itself.
    socket.allowHalfOpen = true;
    disownSocket(socket);
    ownSocket(socket, this);
    memory.readBy((piece) => this.receive(piece));
    writer.ownedBy(() => this.#events.onPeerDrain(this.#side));
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get unsentMark(): number {
    return this.#writer.unsentMark;
  }

  begin(): void {
    const early = this.#early;
    this.#early = nothing;
    // A peer that cannot take it pauses this one again.
    this.resume();
    if (early.length > 0) this.receive(early);
  }

  /** Bytes of the tunnel, whoever has read them. */
  receive(piece: Buffer): void {
    const isTaken = this.#events.onPeerBytes(this.#side, piece);
    // Between two messages no memory is held for the next one.
    if (isTaken) this.#memory.over(true);
    this.#events.onPeerPart(this.#side);
  }

  send(bytes: Buffer): boolean {
    return this.#isClosed || this.#writer.chunk(bytes);
  }

  flush(): void {
    if (!this.#isClosed) this.#writer.flush();
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isEnded = true;
    this.#writer.flush();
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onSocketEnd(): void {
    this.#events.onPeerEnd(this.#side);
  }

  onSocketError(): void {
    // `onSocketClose` tells all that matters.
  }

  onSocketClose(): void {
    this.#onGone?.();
    this.#events.onPeerGone(this.#side);
  }

  /** What is written now goes nowhere, and nobody would be told. */
  get #isClosed(): boolean {
    return this.#isEnded || this.#socket.destroyed;
  }
}
