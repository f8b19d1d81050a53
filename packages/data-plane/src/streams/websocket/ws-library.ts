/**
 * What is used of the library `ws` below its sockets: it exports both, and its types name neither. The versions of the two are pinned together
 * with what stands here.
 */

import type { Writable } from 'node:stream';

declare module 'ws' {
  interface ReceiverOptions {
    /** Frames of the peer must be masked. */
    readonly isServer: boolean;
    /** Of a message, in bytes; whole numbers below 2^31. */
    readonly maxPayload: number;
    /** Of a message. */
    readonly maxFragments: number;
    /** Pieces that are kept until the frame is whole to which they belong. */
    readonly maxBufferedChunks: number;
  }

  /**
   * Reads frames. Without extensions all that a `write` has brought is told while the call lasts, and `errored` is set when it returns; only the
   * event of an error comes later. It keeps the pieces, and unmasks within them.
   */
  export class Receiver extends Writable {
    constructor(options: ReceiverOptions);
    on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this;
    on(event: 'ping' | 'pong', listener: (data: Buffer) => void): this;
    /** A close frame: nothing behind it is read. 1005 is one without a code. */
    on(event: 'conclude', listener: (code: number, reason: Buffer) => void): this;
    /** With one of the codes that the library's documentation lists. */
    on(event: 'error', listener: (error: Error) => void): this;
  }

  interface FrameOptions {
    readonly fin: boolean;
    readonly opcode: number;
    /** With a key that is drawn at random. */
    readonly mask: boolean;
    /** False: what is masked is masked where it lies. */
    readonly readOnly: boolean;
    readonly rsv1: boolean;
  }

  export const Sender: {
    /** The bytes of a frame, in one or two pieces; the second is `data` itself. */
    frame(data: Buffer, options: FrameOptions): Buffer[];
  };
}

export { Receiver, Sender } from 'ws';
