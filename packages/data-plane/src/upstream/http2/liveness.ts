/** When to ask a connection whether its upstream is still there. Knows no clock: the connection tells the time. */

/** A connection with requests that has been silent for so long is asked by a PING (RFC 9113 section 6.7). */
export const silenceMsMax = 10_000;
/** How long the upstream has to answer. */
export const answerMsMax = 5000;
/**
 * How long it is left in peace after each PING that brought nothing but its answer. Servers of gRPC take a few PINGs too soon after each
 * other for an attack and end the connection (grpc-go: the fourth within 5 minutes); a stream without a message is none.
 */
const pausesMs: readonly number[] = [silenceMsMax, 30_000, 90_000];
const longPauseMs = 300_000;
/** Frame header and eight bytes. */
const answerBytes = 17;

/** What a look at a connection comes to. */
export type Judgement = 'alive' | 'ask' | 'dead';

export class Liveness {
  /** When to look next; Infinity: not at all. */
  nextMs = Infinity;
  #heardBytes = 0;
  #isAsked = false;
  /** PINGs since anything but their answers came. */
  #asked = 0;

  /** There is a request, where there was none. `bytes`: received so far. */
  begin(nowMs: number, bytes: number): void {
    this.#hear(bytes);
    this.#isAsked = false;
    this.nextMs = nowMs + this.#pauseMs;
  }

  /** One request more: what is silent must not be left in peace for minutes on its account. */
  hurry(nowMs: number): void {
    if (this.#asked < pausesMs.length) this.nextMs = Math.min(this.nextMs, nowMs + silenceMsMax);
  }

  /** There is no request any more. */
  rest(): void {
    this.nextMs = Infinity;
  }

  /** At `nextMs`, or later. */
  judge(nowMs: number, bytes: number): Judgement {
    const isHeard = this.#hear(bytes);
    if (!isHeard && this.#isAsked) return 'dead';
    if (isHeard) {
      this.#isAsked = false;
      this.nextMs = nowMs + this.#pauseMs;
      return 'alive';
    }
    this.#isAsked = true;
    this.#asked += 1;
    this.nextMs = nowMs + answerMsMax;
    return 'ask';
  }

  get #pauseMs(): number {
    return pausesMs[this.#asked] ?? longPauseMs;
  }

  #hear(bytes: number): boolean {
    const heard = bytes - this.#heardBytes;
    this.#heardBytes = bytes;
    if (heard > (this.#isAsked ? answerBytes : 0)) this.#asked = 0;
    return heard > 0;
  }
}
