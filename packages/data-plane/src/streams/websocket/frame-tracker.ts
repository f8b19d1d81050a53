/** Where the frames of a WebSocket end, for one who passes its bytes on as they are. */

/** Of RFC 6455 section 5.2; below 8 those of data. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A close frame without a code stands for it; it is never sent (RFC 6455 section 7.1.5). */
export const noCloseCode = 1005;

/** Which byte of a frame comes next. */
const Step = { first: 0, second: 1, length: 2, mask: 3, payload: 4 } as const;

/**
 * Follows the bytes of one direction (RFC 6455 section 5.2), however they are split, without changing or keeping any. What the frames mean,
 * and whether they may be so, is the peers' matter.
 *
 * Hot path: payload is skipped by arithmetic, and a frame makes no object. Two live as long as a connection: they are numbers and nothing else.
 */
export class FrameTracker {
  #step: number = Step.first;
  #opcode = 0;
  /** Bytes of the length, or of the mask, that are still to come. */
  #headLeft = 0;
  #isMasked = false;
  #mask = 0;
  #payloadLength = 0;
  #payloadLeft = 0;
  #isLost = false;
  #code = 0;
  #closeCode: number | undefined;

  /**
   * Whether a frame of one's own may be put here: before the first byte, or exactly behind a frame, between the fragments of a message too
   * (RFC 6455 section 5.4: control frames may be there).
   */
  get isBetween(): boolean {
    return this.#step === Step.first && !this.#isLost;
  }

  /** A length was none that there can be: nothing is known any more of what follows, and nothing may be put into it. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Of the first close frame that has passed whole, `noCloseCode` when it has none; undefined: none has. */
  get closeCode(): number | undefined {
    return this.#closeCode;
  }

  /** The next bytes. */
  take(chunk: Uint8Array): void {
    const { length } = chunk;
    let at = 0;
    while (at < length && !this.#isLost)
      at = this.#step === Step.payload ? this.#skip(chunk, at) : this.#read(chunk, at);
  }

  /**
   * The next bytes, as far as the end of the frame that is open, or of one that they begin. Returns how many: all of them where it does not end;
   * `isBetween` tells.
   */
  takeFrame(chunk: Uint8Array): number {
    const { length } = chunk;
    let at = 0;
    while (at < length && !this.#isLost) {
      at = this.#step === Step.payload ? this.#skip(chunk, at) : this.#read(chunk, at);
      if (this.#step === Step.first) return at;
    }
    return length;
  }

  /** One byte of a head. */
  #read(chunk: Uint8Array, at: number): number {
    const byte = chunk[at]!;
    switch (this.#step) {
      case Step.first:
        this.#opcode = byte & 0x0f;
        this.#step = Step.second;
        break;
      case Step.second:
        this.#readSecond(byte);
        break;
      case Step.length:
        // Exact up to 2^53, and never below it again.
        this.#payloadLength = this.#payloadLength * 256 + byte;
        this.#headLeft -= 1;
        if (this.#headLeft === 0) this.#onLength();
        break;
      default:
        this.#mask = (this.#mask << 8) | byte;
        this.#headLeft -= 1;
        if (this.#headLeft === 0) this.#onHead();
    }
    return at + 1;
  }

  #readSecond(byte: number): void {
    this.#isMasked = byte >= 0x80;
    const length = byte & 0x7f;
    if (length < 126) {
      this.#payloadLength = length;
      this.#onLength();
      return;
    }
    this.#payloadLength = 0;
    this.#headLeft = length === 126 ? 2 : 8;
    this.#step = Step.length;
  }

  #onLength(): void {
    // The highest bit must be 0; and what is beyond 2^53 - 1 cannot be counted, nor ever end.
    if (this.#payloadLength > Number.MAX_SAFE_INTEGER) {
      this.#isLost = true;
    } else if (this.#isMasked) {
      this.#mask = 0;
      this.#headLeft = 4;
      this.#step = Step.mask;
    } else {
      this.#mask = 0;
      this.#onHead();
    }
  }

  #onHead(): void {
    this.#payloadLeft = this.#payloadLength;
    this.#code = 0;
    if (this.#payloadLeft === 0) this.#onFrame();
    else this.#step = Step.payload;
  }

  #skip(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#payloadLeft, chunk.length - at);
    if (this.#opcode === Opcode.close) this.#readCode(chunk, at, count);
    this.#payloadLeft -= count;
    if (this.#payloadLeft === 0) this.#onFrame();
    return at + count;
  }

  /** The code is the first two bytes of the payload. */
  #readCode(chunk: Uint8Array, at: number, count: number): void {
    const before = this.#payloadLength - this.#payloadLeft;
    for (let index = before; index < 2 && index < before + count; index += 1) {
      const mask = (this.#mask >>> (24 - 8 * index)) & 0xff;
      this.#code = this.#code * 256 + (chunk[at + index - before]! ^ mask);
    }
  }

  #onFrame(): void {
    this.#step = Step.first;
    if (this.#opcode === Opcode.close) this.#closeCode ??= this.#payloadLength < 2 ? noCloseCode : this.#code;
  }
}
