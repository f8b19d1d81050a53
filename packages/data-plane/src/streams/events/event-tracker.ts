/** Where the events of an event stream end, for one who passes its bytes on as they are. */

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** What the bytes so far end with (WHATWG HTML section 9.2.5: a line ends with LF, CR or CRLF, an event with an empty line). */
const Tail = {
  /** Within a line. */
  text: 0,
  /** A line has ended. */
  line: 1,
  /** A line has ended with CR: an LF may belong to it. */
  lineReturn: 2,
  /** An empty line has ended, or nothing has come. */
  gap: 3,
  /** An empty line has ended with CR: an LF may belong to it. */
  gapReturn: 4,
} as const;

/** Line ends behind which it does not matter any more what was before. */
const decidingBytes = 3;

/**
 * Follows the bytes of a `text/event-stream`, however they are split, without changing or keeping any. There must be no content coding. A byte
 * order mark would be part of the first field for clients that have been sent a comment before it: senders put none.
 */
export class EventTracker {
  #tail: number = Tail.gap;

  /**
   * Whether something may be put here, that ends with an empty line: before the first byte, or behind an empty line. That may have ended with a CR
   * whose LF is still to come: the event is over, and the LF is then an empty line of its own, which means nothing.
   */
  get isBetween(): boolean {
    return this.#tail === Tail.gap || this.#tail === Tail.gapReturn;
  }

  /** The next bytes. Hot path: only the last of them are looked at. */
  take(chunk: Uint8Array): void {
    const { length } = chunk;
    let tail = this.#tail;
    for (let at = Math.max(0, length - decidingBytes); at < length; at += 1)
      tail = tailAfter(tail, chunk[at]!);
    this.#tail = tail;
  }

  /**
   * The next bytes, as far as the first place where something may be put, which may be before them. Returns how many: all of them where there is
   * none; `isBetween` tells.
   */
  takeToGap(chunk: Uint8Array): number {
    const { length } = chunk;
    for (let at = 0; at < length; at += 1) {
      if (this.isBetween) return at;
      this.#tail = tailAfter(this.#tail, chunk[at]!);
    }
    return length;
  }
}

function tailAfter(tail: number, byte: number): number {
  if (byte === lineFeed) return tail === Tail.text || tail === Tail.lineReturn ? Tail.line : Tail.gap;
  if (byte === carriageReturn) return tail === Tail.text ? Tail.lineReturn : Tail.gapReturn;
  return Tail.text;
}
