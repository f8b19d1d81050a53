/** The keys that the nodes of a Gateway sign affinity cookies with: the same on all of them. */

import { create } from '@bufbuild/protobuf';
import { type AffinityKeys, AffinityKeysSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { Keyring } from '../store/keyring.ts';

/** As many as SHA-256 gives. */
const keyBytes = 32;

/** Unlike those of session tickets they grow old without harm: who knows them may choose his endpoint, and no more. */
export class AffinityKeyring {
  readonly #keyring: Keyring;
  #onRotated: () => void = () => {};

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  onRotated(listener: () => void): void {
    this.#onRotated = listener;
  }

  /** Another Gateway's keys cannot be told from them. */
  keysOf(gateway: string): AffinityKeys {
    const text = `gateway/${gateway}`;
    const current = this.#keyring.derive('affinity', text, keyBytes);
    const previous = this.#keyring.derivePrevious('affinity', text, keyBytes);
    return create(AffinityKeysSchema, { current, ...(previous && { previous }) });
  }

  /** Sessions of the key before go on, those of the one before that begin anew. Rejects as the store does, and then all is as it was. */
  async rotate(): Promise<void> {
    await this.#keyring.rotate('affinity');
    this.#onRotated();
  }
}
