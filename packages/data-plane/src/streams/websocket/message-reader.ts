/** The messages of a WebSocket's client, read by the library `ws`. */

import type { MessageFault } from './message-rules.ts';
import { Receiver } from './ws-library.ts';

/** Of a message: each is kept until all are there, and costs more than its bytes. */
const fragmentsMax = 16_384;
/**
 * Reads that are kept of one frame until it is whole: each costs some 100 bytes more than it brought. A client may send byte by byte for a while;
 * in the long run a read brings this much, as any network's packets do.
 */
const keptReadsMaxAtLeast = 1024;
const bytesPerReadMin = 256;

/** Whom the messages are for. What is read of a `read` is told while it lasts. */
export interface MessageReaderOwner {
  /** `data` belongs to who is told; so below. */
  onMessage(data: Buffer, isText: boolean): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** The last that is told. */
  onClose(code: number, reason: string): void;
}

export class MessageReader {
  readonly #receiver: Receiver;
  readonly #messageBytesMax: number;

  constructor(owner: MessageReaderOwner, messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
    this.#receiver = new Receiver({
      isServer: true,
      maxPayload: messageBytesMax,
      maxFragments: fragmentsMax,
      maxBufferedChunks: keptReadsMaxAtLeast + Math.floor(messageBytesMax / bytesPerReadMin),
    });
    this.#receiver
      .on('message', (data, isBinary) => owner.onMessage(data, !isBinary))
      .on('ping', (payload) => owner.onPing(payload))
      .on('pong', (payload) => owner.onPong(payload))
      .on('conclude', (code, reason) => owner.onClose(code, reason.toString()))
      // `errored` tells it sooner; without somebody who listens the event would end the process.
      .on('error', () => {});
  }

  /** The next bytes, which are copied. Returns what is wrong with them: nothing may be read behind it. */
  read(chunk: Buffer): MessageFault | undefined {
    const receiver = this.#receiver;
    receiver.write(Buffer.from(chunk));
    const { errored } = receiver;
    return errored === null ? undefined : this.#faultOf(errored);
  }

  #faultOf(error: Error & { code?: unknown }): MessageFault {
    switch (error.code) {
      case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
      case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
        return { code: 1009, reason: `a message of more than ${this.#messageBytesMax} bytes` };
      case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
        return { code: 1008, reason: 'a message in too many pieces' };
      case 'WS_ERR_INVALID_UTF8':
        return { code: 1007, reason: error.message };
      default:
        return { code: 1002, reason: error.message };
    }
  }
}
