/** A WebSocket whose bytes pass as they are, both ways: no frame is made anew, and extensions are the peers' own. */

import { ByteDirection } from './byte-direction.ts';
import { closeFrame } from './frames.ts';
import { pingFrame } from './ping-frame.ts';
import { goingAway, type TunnelPass, type TunnelPassOwner, type TunnelSide } from './tunnel-pass.ts';

export class BytePass implements TunnelPass {
  readonly #owner: TunnelPassOwner;
  readonly #toUpstream: ByteDirection;
  readonly #toClient: ByteDirection;
  #isClosing = false;

  constructor(owner: TunnelPassOwner) {
    this.#owner = owner;
    this.#toUpstream = new ByteDirection(owner, 'upstream');
    this.#toClient = new ByteDirection(owner, 'client');
  }

  get clientCode(): number | undefined {
    return this.#toUpstream.peerCode;
  }

  get upstreamCode(): number | undefined {
    return this.#toClient.peerCode;
  }

  isClosed(to: TunnelSide): boolean {
    return to === 'client' ? this.#toClient.isClosed : this.#toUpstream.isClosed;
  }

  take(from: TunnelSide, chunk: Buffer): boolean {
    const direction = from === 'client' ? this.#toUpstream : this.#toClient;
    const before = direction.closeFrames;
    const goesOn = direction.take(chunk);
    if (direction.closeFrames !== before) this.#owner.onCloseMoved();
    return goesOn;
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const before = this.#closeFrames;
    this.#toClient.close(closeFrame(code, reason, false));
    this.#toUpstream.close(closeFrame(goingAway, '', true));
    if (this.#closeFrames !== before) this.#owner.onCloseMoved();
  }

  ping(): boolean {
    return this.clientCode === undefined && this.#toClient.insert(pingFrame);
  }

  end(): void {
    // Nothing is kept.
  }

  get #closeFrames(): number {
    return this.#toClient.closeFrames + this.#toUpstream.closeFrames;
  }
}
