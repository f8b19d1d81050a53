/** What a Route demands of the messages of a WebSocket's client, and what a client is told that breaks it. */

import type { Clock } from '@causeway/runtime/clock';

import { MessageRate } from './message-rate.ts';

/**
 * Of a message, where the Route names no limit of its own: a message is kept until it is whole. Larger ones pass where nothing asks for messages.
 */
export const heldMessageBytesMax = 16 * 1024 * 1024;
/** The library counts in 31 bits; a Route that allows more gets this. */
const countableBytesMax = 2 ** 31 - 1;

/** Why the client's WebSocket is closed: a code of RFC 6455 section 7.4.1, and words for the close frame. */
export interface MessageFault {
  readonly code: number;
  readonly reason: string;
}

export interface MessageRules {
  /** 0: `heldMessageBytesMax`. 1009 */
  readonly messageBytesMax: number;
  /** So many at once, and as many a second; 0: any number. Pings and pongs do not count. 1008 */
  readonly messagesPerSecond: number;
  /** 1003 */
  readonly refusesText: boolean;
  readonly refusesBinary: boolean;
  /**
   * Reads each message that the other rules allow; `data` is there while the call lasts, and not to be changed. May refuse it. What it throws
   * comes out of `take`, and the pass can be used no more.
   */
  readonly inspect?: ((data: Buffer, isText: boolean) => MessageFault | undefined) | undefined;
}

/** The largest message that may come, in bytes. */
export function messageBytesMaxOf({ messageBytesMax }: MessageRules): number {
  return messageBytesMax === 0 ? heldMessageBytesMax : Math.min(messageBytesMax, countableBytesMax);
}

/** The rules of one connection. */
export class MessageJudge {
  readonly #rules: MessageRules;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #rate: MessageRate | undefined;

  constructor(rules: MessageRules, clock: Pick<Clock, 'monotonicMs'>) {
    this.#rules = rules;
    this.#clock = clock;
    if (rules.messagesPerSecond > 0)
      this.#rate = new MessageRate(rules.messagesPerSecond, clock.monotonicMs());
  }

  /** A message that is not too large. Undefined: it may pass. */
  faultOf(data: Buffer, isText: boolean): MessageFault | undefined {
    const { refusesText, refusesBinary, messagesPerSecond, inspect } = this.#rules;
    if (isText ? refusesText : refusesBinary)
      return { code: 1003, reason: `no ${isText ? 'text' : 'binary'} messages` };
    if (this.#rate?.take(this.#clock.monotonicMs()) === false)
      return { code: 1008, reason: `more than ${messagesPerSecond} messages a second` };
    return inspect?.(data, isText);
  }
}
