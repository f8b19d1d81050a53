/**
 * Messages of gRPC in a stream of bytes: a byte of flags, four of length, the message.
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md ("Length-Prefixed-Message").
 */

import { OversizeFault, TranscodingFault } from './fault.ts';
import { HeldBytes } from './held-bytes.ts';
import type { WireWriter } from './wire-writer.ts';

export const prefixBytes = 5;

/** The bytes before a message that is not compressed. */
export function messagePrefix(bytes: number): Buffer {
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix[0] = 0;
  prefix.writeUInt32BE(bytes, 1);
  return prefix;
}

/** The message that `write` writes, with its prefix. What it throws leaves nothing behind. */
export function prefixedMessage(writer: WireWriter, write: () => void): Buffer {
  try {
    for (let at = 0; at < prefixBytes; at += 1) writer.byte(0);
    write();
    const message = writer.take();
    message.writeUInt32BE(message.length - prefixBytes, 1);
    return message;
  } finally {
    writer.drop();
  }
}

/** Cuts a stream into messages, of which none may be longer than `bytesMax`. */
export class MessageSplitter {
  readonly #bytesMax: number;
  readonly #held = new HeldBytes();
  /** Of the message that is begun, with its prefix; undefined: its length is not there yet. */
  #wanted: number | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The messages that end in it, of the same memory. Throws a `TranscodingFault`. */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      const missing = (this.#wanted ?? prefixBytes) - this.#held.length;
      if (rest.length < missing) {
        this.#held.add(rest);
        break;
      }
      const whole = this.#joined(rest.subarray(0, missing));
      rest = rest.subarray(missing);
      if (this.#wanted === undefined) rest = this.#begin(whole, rest, messages);
      else {
        messages.push(whole.subarray(prefixBytes));
        this.#wanted = undefined;
      }
    }
    return messages;
  }

  /** Nothing of a message is there that has not ended. */
  get isAtEnd(): boolean {
    return this.#held.length === 0;
  }

  /** Gives what is left to be read. */
  #begin(prefix: Buffer, rest: Buffer, messages: Buffer[]): Buffer {
    if (prefix[0] !== 0) throw new TranscodingFault('is compressed, which nobody asked for');
    const length = prefix.readUInt32BE(1);
    if (length > this.#bytesMax) throw new OversizeFault(`has ${length} bytes, more than ${this.#bytesMax}`);
    if (length <= rest.length) {
      messages.push(rest.subarray(0, length));
      return rest.subarray(length);
    }
    this.#wanted = prefixBytes + length;
    this.#held.add(prefix);
    return rest;
  }

  #joined(last: Buffer): Buffer {
    if (this.#held.length === 0) return last;
    this.#held.add(last);
    return this.#held.take();
  }
}
