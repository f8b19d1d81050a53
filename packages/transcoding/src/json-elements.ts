/** The JSON documents of a stream: the items of one array, or lines (NDJSON). */

import { isUtf8 } from 'node:buffer';

import { OversizeFault, TranscodingFault } from './fault.ts';
import { HeldBytes } from './held-bytes.ts';

const [space, tab, newline, carriageReturn] = [0x20, 0x09, 0x0a, 0x0d] as const;
const [quote, backslash, comma] = [0x22, 0x5c, 0x2c] as const;
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d] as const;

/** Cuts a stream into documents, of which none may be longer than `bytesMax`; whether each is JSON, nobody has looked. */
export class JsonElements {
  readonly #isLines: boolean;
  readonly #bytesMax: number;
  readonly #held = new HeldBytes();
  /** Of an array: before its bracket, in it, behind it. What does not begin with a bracket is one document. */
  #place: 'before' | 'inside' | 'behind' | 'single' = 'before';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #hasItems = false;

  constructor(form: 'lines' | 'array', bytesMax: number) {
    this.#isLines = form === 'lines';
    this.#bytesMax = bytesMax;
  }

  /** The documents that end in it. Throws a `TranscodingFault`. */
  push(chunk: Buffer): string[] {
    const texts: string[] = [];
    if (this.#isLines) this.#pushLines(chunk, texts);
    else this.#pushItems(chunk, texts);
    return texts;
  }

  /** The last document, if it ends with the stream. */
  end(): string | undefined {
    const text = this.#take();
    if (this.#place === 'inside') throw new TranscodingFault('ends within an array');
    return text.trim() === '' ? undefined : text;
  }

  #pushLines(chunk: Buffer, texts: string[]): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.#hold(chunk.subarray(start, end));
      const text = this.#take();
      if (text.trim() !== '') texts.push(text);
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  #pushItems(chunk: Buffer, texts: string[]): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#place === 'inside') {
        if (!this.#endsItem(byte)) continue;
        this.#hold(chunk.subarray(start, at));
        this.#endItem(byte, texts);
        start = at + 1;
      } else if (this.#place !== 'single' && !isSpace(byte)) {
        if (this.#place === 'behind') throw new TranscodingFault('goes on behind its array');
        this.#place = byte === openBracket ? 'inside' : 'single';
        start = byte === openBracket ? at + 1 : at;
      }
    }
    if (this.#place === 'inside' || this.#place === 'single') this.#hold(chunk.subarray(start));
  }

  /** At a comma of the array itself, and at its bracket. */
  #endsItem(byte: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === backslash) this.#isEscaped = true;
      else if (byte === quote) this.#isInString = false;
      return false;
    }
    if (byte === quote) this.#isInString = true;
    else if (byte === openBracket || byte === openBrace) this.#depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      if (this.#depth === 0) return true;
      this.#depth -= 1;
    }
    return byte === comma && this.#depth === 0;
  }

  #endItem(byte: number, texts: string[]): void {
    const text = this.#take();
    const isEmpty = text.trim() === '';
    if (byte === closeBrace || (isEmpty && (byte === comma || this.#hasItems)))
      throw new TranscodingFault('has an item that is no JSON');
    if (!isEmpty) texts.push(text);
    this.#hasItems = true;
    if (byte === closeBracket) this.#place = 'behind';
  }

  #hold(bytes: Buffer): void {
    if (bytes.length + this.#held.length > this.#bytesMax)
      throw new OversizeFault(`has a document of more than ${this.#bytesMax} bytes`);
    this.#held.add(bytes);
  }

  #take(): string {
    return jsonText(this.#held.take());
  }
}

/** Throws a `TranscodingFault` where it is no UTF-8, as JSON must be (RFC 8259 section 8.1). */
export function jsonText(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new TranscodingFault('is no UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function isSpace(byte: number): boolean {
  return byte === space || byte === tab || byte === newline || byte === carriageReturn;
}
