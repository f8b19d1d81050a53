/** What a Route demands of the messages of a WebSocket's client, and what a client is told that breaks it. */

import type { Clock } from '@causeway/runtime/clock';

import type { MessagePolicy } from '../../table/read-streams.ts';
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

/**
 * 1009 for a message beyond `messageBytesMax`, of which 0 is `heldMessageBytesMax` here; 1008 for more than `messagesPerSecond`, so many at once and
 * as many a second, pings and pongs not counted; 1003 for a kind that is refused.
 */
export interface MessageRules extends MessagePolicy {
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

/** Of a Route that names none. */
export const noRules: MessageRules = {
  messageBytesMax: 0,
  messagesPerSecond: 0,
  refusesText: false,
  refusesBinary: false,
};

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
