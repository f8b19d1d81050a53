/** What stands between the data of chunks: `CRLF chunk-size [ chunk-ext ] CRLF` (RFC 9112 section 7.1), byte by byte. */

import type { Buffer } from 'node:buffer';

import {
  backslash,
  cr,
  doubleQuote,
  equals,
  hexValue,
  isTokenByte,
  isValueByte,
  lf,
  semicolon,
} from './byte-class.ts';
import { type Fault, faults } from './fault.ts';

const State = {
  size: 0,
  extensionStart: 1,
  extensionName: 2,
  valueStart: 3,
  value: 4,
  quoted: 5,
  escape: 6,
  quotedEnd: 7,
  sizeEnd: 8,
  dataEnd: 9,
  dataLineEnd: 10,
} as const;

/** Enough for 64 bits; what is no safe integer is refused anyway. */
const sizeDigitsMax = 16;

export class ChunkedFraming {
  /** Valid once `read` says so: bytes of data that follow; 0 for the last chunk. */
  size = 0;
  /** Where reading stopped in the chunk that was given last. */
  at = 0;
  fault: Fault | undefined;

  readonly #extensionBytesMax: number;
  #state: number = State.size;
  #digits = 0;
  #extensionBytes = 0;

  constructor(extensionBytesMax: number) {
    this.#extensionBytesMax = extensionBytesMax;
  }

  /** Starts a body. */
  begin(): void {
    this.#state = State.size;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.size = 0;
    this.fault = undefined;
  }

  /** The data of a chunk has been read: its line end and the next size follow. */
  endData(): void {
    this.#state = State.dataEnd;
    this.#digits = 0;
    this.size = 0;
  }

  /** Reads on; true when a size line is complete. False means that more bytes are needed, or a fault. */
  read(source: Buffer, from: number): boolean {
    for (let at = from; at < source.length; at += 1) {
      const byte = source[at]!;
      if (this.#state === State.size) {
        const digit = hexValue[byte]!;
        if (digit < 16) {
          this.#digits += 1;
          this.size = this.size * 16 + digit;
          if (this.#digits > sizeDigitsMax || this.size > Number.MAX_SAFE_INTEGER)
            return this.#fail(faults.chunkSize);
          continue;
        }
        if (this.#digits === 0) return this.#fail(faults.chunkSize);
      }
      if (this.#state === State.sizeEnd && byte === lf) {
        this.at = at + 1;
        return true;
      }
      const fault = this.#step(byte);
      if (fault !== undefined) return this.#fail(fault);
    }
    this.at = source.length;
    return false;
  }

  #step(byte: number): Fault | undefined {
    switch (this.#state) {
      case State.size:
        // Deviation: no blank before the line end or an extension, though recipients may remove it (erratum 7633).
        return this.#afterSize(byte, faults.chunkSize);
      case State.dataEnd:
        this.#state = State.dataLineEnd;
        return byte === cr ? undefined : faults.chunkEnd;
      case State.dataLineEnd:
        this.#state = State.size;
        return byte === lf ? undefined : faults.chunkEnd;
      case State.sizeEnd:
        return faults.lineEnd;
      default:
        return this.#stepExtension(byte);
    }
  }

  /** `chunk-ext = *( ";" chunk-ext-name [ "=" ( token / quoted-string ) ] )` (RFC 9112 section 7.1.1). */
  #stepExtension(byte: number): Fault | undefined {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > this.#extensionBytesMax) return faults.chunkExtensionBytes;
    switch (this.#state) {
      case State.extensionStart:
        this.#state = State.extensionName;
        return isTokenByte[byte] === 1 ? undefined : faults.chunkExtension;
      case State.extensionName:
        if (isTokenByte[byte] === 1) return undefined;
        if (byte !== equals) return this.#afterSize(byte, faults.chunkExtension);
        this.#state = State.valueStart;
        return undefined;
      case State.valueStart:
        this.#state = byte === doubleQuote ? State.quoted : State.value;
        return byte === doubleQuote || isTokenByte[byte] === 1 ? undefined : faults.chunkExtension;
      case State.value:
        return isTokenByte[byte] === 1 ? undefined : this.#afterSize(byte, faults.chunkExtension);
      case State.quoted:
        if (byte === doubleQuote) this.#state = State.quotedEnd;
        else if (byte === backslash) this.#state = State.escape;
        return isValueByte[byte] === 1 ? undefined : faults.chunkExtension;
      case State.escape:
        this.#state = State.quoted;
        return isValueByte[byte] === 1 ? undefined : faults.chunkExtension;
      default:
        return this.#afterSize(byte, faults.chunkExtension);
    }
  }

  #afterSize(byte: number, otherwise: Fault): Fault | undefined {
    if (byte === cr) this.#state = State.sizeEnd;
    else if (byte === semicolon) this.#state = State.extensionStart;
    else return otherwise;
    return undefined;
  }

  #fail(fault: Fault): false {
    this.fault = fault;
    return false;
  }
}
