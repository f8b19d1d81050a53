/** The keys that session tickets are sealed with: the same for all listeners of a node, so that a client resumes on any. */

import { randomBytes } from 'node:crypto';

/** 16 bytes of name, 16 to seal and 16 to sign, as node:tls wants them. */
const keyBytes = 48;

/** A stolen key opens the tickets of its time, and with TLS 1.2 what was sent in their sessions; so keys do not grow old. */
export const ticketKeysLiveMs = 12 * 3_600_000;

export function newTicketKeys(): Buffer {
  return randomBytes(keyBytes);
}

export class TicketKeys {
  #current: Buffer;

  constructor(current: Uint8Array = newTicketKeys()) {
    this.#current = Buffer.from(current);
  }

  get current(): Buffer {
    return this.#current;
  }

  /**
   * Deviation: those before are gone, though nginx and Envoy keep them for a while: node:tls takes one set of keys. A client with
   * a ticket of before makes a full handshake.
   */
  replace(keys: Uint8Array): void {
    this.#current = Buffer.from(keys);
  }
}
