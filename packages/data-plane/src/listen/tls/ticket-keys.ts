/** The keys that session tickets are sealed with: the same for all listeners of a node, so that a client resumes on any. */

import { randomBytes } from 'node:crypto';

/** 16 bytes of name, 16 to seal and 16 to sign, as node:tls wants them. */
export const ticketKeyBytes = 48;

export function newTicketKeys(): Buffer {
  return randomBytes(ticketKeyBytes);
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
   * a ticket of before, which lives for two hours, makes a full handshake.
   */
  replace(keys: Uint8Array): void {
    this.#current = Buffer.from(keys);
  }
}
