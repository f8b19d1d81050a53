/** What a peer of a tunnel has not taken, and whether it takes any of it. */

import type { TunnelPeer } from './tunnel-peer.ts';

/** Begins when more is sent than is taken at once, and is over when all of it is. */
export class Backlog {
  readonly #peer: TunnelPeer;
  #mark: number;
  /** When some of it was taken last, as far as one has looked. */
  movedMs: number;

  constructor(peer: TunnelPeer, nowMs: number) {
    this.#peer = peer;
    this.#mark = peer.unsentMark;
    this.movedMs = nowMs;
  }

  /** Whether some of it has been taken since one looked last: then its peer is slow, and not gone. */
  look(nowMs: number): boolean {
    const mark = this.#peer.unsentMark;
    const hasMoved = mark < this.#mark;
    this.#mark = mark;
    if (hasMoved) this.movedMs = nowMs;
    return hasMoved;
  }
}
