/** What cookies of the gateway's are signed with: the same on all nodes, so that a session finds its endpoint from each. */

import { randomBytes } from 'node:crypto';

/** As many as SHA-256 gives; more would not make it stronger (RFC 2104 section 3). */
const keyBytes = 32;

/** Cookies signed by the previous one are still good, and are replaced when they come. */
export interface AffinityKeyPair {
  readonly current: Uint8Array;
  readonly previous: Uint8Array | undefined;
}

export function newAffinityKeys(): AffinityKeyPair {
  return { current: randomBytes(keyBytes), previous: undefined };
}

/** The keys of this moment. Whoever keeps what was made with them looks at `changes`. */
export class AffinityKeys {
  #pair: AffinityKeyPair;
  #changes = 0;

  constructor(pair: AffinityKeyPair = newAffinityKeys()) {
    this.#pair = pair;
  }

  get current(): Uint8Array {
    return this.#pair.current;
  }

  get previous(): Uint8Array | undefined {
    return this.#pair.previous;
  }

  /** Another number whenever the keys have been replaced. */
  get changes(): number {
    return this.#changes;
  }

  replace(pair: AffinityKeyPair): void {
    this.#pair = pair;
    this.#changes += 1;
  }
}
