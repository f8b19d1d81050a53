/** What a tunnel and what passes through it have to do with each other. */

export type TunnelSide = 'client' | 'upstream';

/** The close code that an upstream gets when the node ends a WebSocket, whatever the client is told (RFC 6455 section 7.4.1). */
export const goingAway = 1001;

/** What passes through a WebSocket: between the bytes of one side and those that go to the other. */
export interface TunnelPass {
  /**
   * Bytes that came from a side; their memory is used while the call lasts, and longer only as the owner's `send` uses it. False: what they became
   * waits on the other side, stop until it is taken.
   */
  take(from: TunnelSide, chunk: Buffer): boolean;
  /**
   * Has each side sent a close frame as soon as frames allow: `code` and `reason` to the client, 1001 to the upstream. Nothing of the other peer
   * passes to a side behind it. A side that a close frame of its peer has reached already gets none of ours; nor does one whose peer sends what
   * are no frames: `isClosed` stays false, and only the owner's deadline ends it. A second call does nothing.
   */
  close(code: number, reason: string): void;
  /** A ping to the client between two frames; false: not now, a frame is open or all is closing. */
  ping(): boolean;
  /** The code of the first close frame that has come from the side, whatever it is, and 1005 without one; undefined: none yet. */
  readonly clientCode: number | undefined;
  readonly upstreamCode: number | undefined;
  /** Whether a close frame has gone to that side. */
  isClosed(to: TunnelSide): boolean;
  /** Lets go what is kept of a message; nothing may be asked of it any more. */
  end(): void;
}

/** Who has the sockets. */
export interface TunnelPassOwner {
  /**
   * False: it waits; stop until it is taken. Held back until the owner flushes, which it does after each `take`, `close` and `ping`. What is
   * passed on as it came is memory of the side from which it came; all else is nobody else's.
   */
  send(to: TunnelSide, bytes: Buffer): boolean;
  /** A close frame has gone to or come from a side: look at the pass. The last thing that a `take` or a `close` does. */
  onCloseMoved(): void;
  /**
   * The client broke a rule, and is told so as soon as frames allow: `code` 1002, 1003, 1007, 1008, 1009, or what an inspection says. Comes within a `take`, once, before
   * `onCloseMoved`; what comes from the client later passes no more.
   */
  onViolation(code: number, reason: string): void;
}
