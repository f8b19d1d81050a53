/**
 * The two ends of a tunnel, after both have agreed on another protocol: a socket each, or a stream of HTTP/2. What is sent is held back until
 * `flush`, so that several small pieces go out in one write.
 */

import type { TunnelSide } from './websocket/tunnel-pass.ts';

/** All calls return at once. */
export interface TunnelPeer {
  /** See `MessageWriter`. */
  readonly unsentMark: number;
  /** Delivers what came early, and reads on. Call it once; nothing is told before. */
  begin(): void;
  /** False: the memory is in use, and the peer is slower than the sender; stop until `onPeerDrain`. */
  send(bytes: Buffer): boolean;
  flush(): void;
  /** Nothing more will be sent; what is held back goes out first. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Cuts the connection, or resets the stream; `onPeerGone` follows. */
  destroy(): void;
}

/** What happens at the ends. `onPeerGone` is the last call of each. */
export interface TunnelPeerEvents {
  /** The chunk is there while the call lasts. False: its memory is in use until the peer is resumed. */
  onPeerBytes(from: TunnelSide, chunk: Buffer): boolean;
  /** No more has arrived for now. */
  onPeerPart(from: TunnelSide): void;
  /** It has taken all that waited. */
  onPeerDrain(side: TunnelSide): void;
  /** It sends no more. */
  onPeerEnd(side: TunnelSide): void;
  /** Its connection is gone. */
  onPeerGone(side: TunnelSide): void;
}
