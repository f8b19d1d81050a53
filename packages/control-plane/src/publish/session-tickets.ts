/** The keys that the nodes of a Gateway seal TLS session tickets with: the same on all of them, and replaced before they grow old. */

import { create } from '@bufbuild/protobuf';
import {
  type SessionTicketKeys,
  SessionTicketKeysSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';
import type { Keyring } from '../store/keyring.ts';

/** As node:tls wants them. */
const keyBytes = 48;
/** How often the age is looked at, at most: it is one of wall time, which may jump. */
const lookMs = 60_000;

export interface SessionTicketsOptions {
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Age at which the key is replaced. */
  readonly rotationMs: number;
}

export class SessionTickets {
  readonly #options: SessionTicketsOptions;
  #onRotated: () => void = () => {};
  #cancelLook: CancelTimer = () => {};
  #isStopped = false;

  constructor(options: SessionTicketsOptions) {
    this.#options = options;
  }

  /** Replaces a key that has grown too old while nobody looked, and from now on at its time. */
  async start(): Promise<void> {
    await this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelLook();
  }

  onRotated(listener: () => void): void {
    this.#onRotated = listener;
  }

  /** Another Gateway's keys cannot be told from them. */
  keysOf(gateway: string): SessionTicketKeys {
    const keys = this.#options.keyring.derive('session-tickets', `gateway/${gateway}`, keyBytes);
    return create(SessionTicketKeysSchema, { keys, replacedInMs: this.#leftMs });
  }

  /** 0 for a key from the future too: wall time was set back, and its age is not known. */
  get #leftMs(): number {
    const ageMs = this.#options.keyring.ageMs('session-tickets');
    return ageMs < 0 ? 0 : Math.max(0, Math.ceil(this.#options.rotationMs - ageMs));
  }

  async #look(): Promise<void> {
    const { keyring, clock, logger } = this.#options;
    let nextMs = Math.min(this.#leftMs, lookMs);
    if (nextMs === 0) {
      nextMs = lookMs;
      try {
        await keyring.rotate('session-tickets');
        nextMs = Math.min(this.#leftMs, lookMs);
        this.#onRotated();
      } catch (error) {
        logger.error({ err: error }, 'the key of session tickets cannot be replaced; the old one goes on');
      }
    }
    if (!this.#isStopped) this.#cancelLook = clock.after(nextMs, () => void this.#look());
  }
}
