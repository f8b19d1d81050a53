/** Which keys a node seals session tickets with: those of its Gateway, and without a control plane its own. */

import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';

import { newTicketKeys, ticketKeyBytes } from './ticket-keys.ts';

/**
 * A stolen key opens the tickets of its time, and with TLS 1.2 what was sent in their sessions; so keys do not grow old. How long a
 * node's own live, and those of its Gateway beyond the time at which the next ones were due.
 */
const keysLiveMs = 12 * 3_600_000;

export interface TicketKeyRotationOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly use: (keys: Uint8Array) => void;
}

export class TicketKeyRotation {
  readonly #options: TicketKeyRotationOptions;
  #cancelTimer: CancelTimer = () => {};

  constructor(options: TicketKeyRotationOptions) {
    this.#options = options;
  }

  /** The node has keys of its own, just made. */
  start(): void {
    this.#replaceIn(keysLiveMs);
  }

  stop(): void {
    this.#cancelTimer();
  }

  /** Those of the Gateway, which all its nodes have. A node that loses its control plane goes on with them. */
  learn(keys: Uint8Array, replacedInMs: number): void {
    const { logger, use } = this.#options;
    if (keys.byteLength !== ticketKeyBytes) {
      const bytes = keys.byteLength;
      logger.warn({ bytes }, 'the control plane has sent keys of session tickets that are none');
      return;
    }
    // A piece of a whole message as it came: workers get no more than what is theirs.
    use(Uint8Array.from(keys));
    this.#replaceIn(replacedInMs + keysLiveMs);
  }

  #replaceIn(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#options.use(newTicketKeys());
      this.#replaceIn(keysLiveMs);
    });
  }
}
