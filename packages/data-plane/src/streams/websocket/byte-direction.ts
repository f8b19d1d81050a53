/** One direction of a WebSocket, through which bytes pass as they are. */

import { FrameTracker } from './frame-tracker.ts';
import type { TunnelPassOwner, TunnelSide } from './tunnel-pass.ts';

/** From a peer to the side `to`. Frames of our own are put between those of the peer, which are not looked into. */
export class ByteDirection {
  readonly #owner: TunnelPassOwner;
  readonly #to: TunnelSide;
  readonly #tracker = new FrameTracker();
  /** Our close frame, which waits for the end of a frame. */
  #waiting: Buffer | undefined;
  /** Nothing of the peer passes any more. */
  #isCut = false;
  #isClosedByUs = false;

  constructor(owner: TunnelPassOwner, to: TunnelSide) {
    this.#owner = owner;
    this.#to = to;
  }

  /** Of the peer's close frame, whether or not it passed. */
  get peerCode(): number | undefined {
    return this.#tracker.closeCode;
  }

  /** Whether a close frame has gone to the side: the peer's, or ours. */
  get isClosed(): boolean {
    return this.#isClosedByUs || this.peerCode !== undefined;
  }

  /** Close frames that have come or gone: more than before means that one has. */
  get closeFrames(): number {
    return (this.#isClosedByUs ? 1 : 0) + (this.peerCode === undefined ? 0 : 1);
  }

  /** Bytes of the peer. False: they wait, as the owner's `send` says. */
  take(chunk: Buffer): boolean {
    if (this.#waiting !== undefined) return this.#takeFrame(chunk, this.#waiting);
    this.#tracker.take(chunk);
    return this.#isCut || this.#owner.send(this.#to, chunk);
  }

  /** Puts a control frame here; false: a frame of the peer is open, or a close frame has gone or waits. */
  insert(frame: Buffer): boolean {
    if (this.isClosed || this.#waiting !== undefined || !this.#tracker.isBetween) return false;
    this.#owner.send(this.#to, frame);
    return true;
  }

  /** Ends what passes, with `frame` where the peer has not closed itself. Call it once. */
  close(frame: Buffer): void {
    if (this.isClosed) this.#isCut = true;
    else if (this.#tracker.isBetween) this.#sendClose(frame);
    else this.#waiting = frame;
  }

  /** The frame that is open still passes. */
  #takeFrame(chunk: Buffer, closeFrame: Buffer): boolean {
    const length = this.#tracker.takeFrame(chunk);
    const goesOn = this.#owner.send(this.#to, length === chunk.length ? chunk : chunk.subarray(0, length));
    if (!this.#tracker.isBetween) return goesOn;
    this.#waiting = undefined;
    // It was the peer's own close frame: a second one must not follow (RFC 6455 section 5.5.1).
    if (this.isClosed) this.#isCut = true;
    else this.#sendClose(closeFrame);
    this.#tracker.take(chunk.subarray(length));
    return goesOn;
  }

  #sendClose(frame: Buffer): void {
    this.#isCut = true;
    this.#isClosedByUs = true;
    this.#owner.send(this.#to, frame);
  }
}
