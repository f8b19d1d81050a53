/** One try of a request that may be sent again: what comes of it is passed on, or kept while another try is made. */

import type { ResponseHead } from '@causeway/http1/response-head';

import type { LiveEndpoint } from '../upstream/live-endpoint.ts';
import type { FieldList, UpstreamCall, UpstreamEvents, UpstreamFailure } from './exchange.ts';

/** An answer that is not wanted is read to its end, so that its connection stays of use, unless it is longer. */
const keptBytesMax = 65_536;

/** What a try tells the exchange that it belongs to. */
export interface TryOwner {
  /** Where to what is passed on goes. */
  readonly events: UpstreamEvents;
  /** Further tries may follow, so that nothing may be passed on yet. */
  readonly mayTryAgain: boolean;
  onTryReady(): void;
  /** It takes more of the body. */
  onTryDrain(): void;
  /** True: the answer is not passed on, for another try is made. */
  givesUp(head: ResponseHead): boolean;
  /** Before anything was passed on. */
  onTryFailed(failure: UpstreamFailure): void;
}

/** `asking`: no final head has come. `passing`: the client gets what comes. `kept`: it might. `over`: nobody wants it. */
type Phase = 'asking' | 'passing' | 'kept' | 'over';

export class UpstreamTry implements UpstreamEvents {
  readonly endpoint: LiveEndpoint;
  readonly #owner: TryOwner;
  #phase: Phase = 'asking';
  #informational: ResponseHead[] = [];
  #head: ResponseHead | undefined;
  #pieces: Buffer[] = [];
  #keptBytes = 0;
  #isWhole = false;
  #trailers: FieldList | undefined;
  /** Undefined before it is sent, and when it is over. */
  call: UpstreamCall | undefined;

  constructor(owner: TryOwner, endpoint: LiveEndpoint) {
    this.#owner = owner;
    this.endpoint = endpoint;
  }

  /** Whether something of its answer has gone to the client. */
  get isPassing(): boolean {
    return this.#phase === 'passing';
  }

  /** Whether an answer is kept that can be passed on. */
  get hasAnswer(): boolean {
    return this.#isWhole;
  }

  /** Passes on what is kept. */
  passAnswer(): void {
    const { events } = this.#owner;
    this.#phase = 'over';
    events.onUpstreamHead(this.#head!);
    for (const piece of this.#pieces) events.onUpstreamChunk(piece);
    events.onUpstreamEnd(this.#trailers);
  }

  /** Nothing of it is wanted any more. */
  abort(): void {
    this.#phase = 'over';
    this.#forget();
    this.call?.abort();
    this.call = undefined;
  }

  onUpstreamReady(): void {
    this.#owner.onTryReady();
  }

  onUpstreamSent(): void {
    this.#owner.events.onUpstreamSent();
  }

  onUpstreamInformational(head: ResponseHead): void {
    if (this.#phase !== 'asking') return;
    if (this.#owner.mayTryAgain) this.#informational.push(head);
    else this.#owner.events.onUpstreamInformational(head);
  }

  onUpstreamHead(head: ResponseHead): void {
    const { events } = this.#owner;
    if (this.#owner.givesUp(head)) {
      this.#informational = [];
      this.#head = head;
      this.#phase = 'kept';
      return;
    }
    this.#phase = 'passing';
    for (const early of this.#informational.splice(0)) events.onUpstreamInformational(early);
    events.onUpstreamHead(head);
  }

  onUpstreamChunk(chunk: Buffer): boolean {
    if (this.#phase === 'passing') return this.#owner.events.onUpstreamChunk(chunk);
    if (this.#phase !== 'kept') return true;
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > keptBytesMax) this.abort();
    else this.#pieces.push(Buffer.from(chunk));
    return true;
  }

  onUpstreamPart(): void {
    if (this.#phase === 'passing') this.#owner.events.onUpstreamPart();
  }

  onUpstreamEnd(trailers?: FieldList): void {
    this.call = undefined;
    if (this.#phase === 'kept') {
      this.#isWhole = true;
      this.#trailers = trailers;
    } else if (this.#phase === 'passing') {
      this.#phase = 'over';
      this.#owner.events.onUpstreamEnd(trailers);
    }
  }

  onUpstreamDrain(): void {
    if (this.#phase === 'asking' || this.#phase === 'passing') this.#owner.onTryDrain();
  }

  onUpstreamFailed(failure: UpstreamFailure): void {
    const phase = this.#phase;
    this.call = undefined;
    this.#phase = 'over';
    this.#forget();
    if (phase === 'asking') this.#owner.onTryFailed(failure);
    else if (phase === 'passing') this.#owner.events.onUpstreamFailed(failure);
  }

  #forget(): void {
    this.#informational = [];
    this.#pieces = [];
    this.#head = undefined;
    this.#isWhole = false;
  }
}
