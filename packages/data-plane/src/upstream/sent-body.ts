/** What has been sent of a request's body, for as long as it might have to be sent once more. */

/** Beyond it a request that nobody has looked at is not sent again. Most bodies are smaller: forms, JSON, messages of gRPC. */
const replayBytesMax = 65_536;

export class SentBody {
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #isWhole = true;

  constructor(bytesMax = replayBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Whether everything that was sent is here. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get pieces(): readonly Buffer[] {
    return this.#pieces;
  }

  /** Keeps a copy, unless it would be too much. */
  add(piece: Buffer): void {
    if (!this.#isWhole) return;
    if (this.#bytes + piece.length > this.#bytesMax) this.forget();
    else this.keep(piece);
  }

  /** Keeps a copy of what nobody has been sent yet, which must not be lost. The sender has to stop then, so that it is one piece. */
  keep(piece: Buffer): void {
    this.#pieces.push(Buffer.from(piece));
    this.#bytes += piece.length;
  }

  /** It will not be sent again. */
  forget(): void {
    this.#isWhole = false;
    this.#pieces = [];
  }
}
