/** The keys that the nodes of a Gateway sign or seal cookies with: the same on all of them. */

import { create } from '@bufbuild/protobuf';
import {
  type AffinityKeys,
  AffinityKeysSchema,
  type LoginKeys,
  LoginKeysSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { KeyPurpose, Keyring } from '../store/keyring.ts';

/** As many as SHA-256 gives, and AES-256 takes. */
const keyBytes = 32;

/** Unlike those of session tickets they are replaced only when somebody asks for it. */
abstract class CookieKeyring {
  readonly #keyring: Keyring;
  readonly #purpose: KeyPurpose;
  #onRotated: () => void = () => {};

  constructor(keyring: Keyring, purpose: KeyPurpose) {
    this.#keyring = keyring;
    this.#purpose = purpose;
  }

  onRotated(listener: () => void): void {
    this.#onRotated = listener;
  }

  /** Cookies of the key before go on, those of the one before that begin anew. Rejects as the store does, and then all is as it was. */
  async rotate(): Promise<void> {
    await this.#keyring.rotate(this.#purpose);
    this.#onRotated();
  }

  /** Another Gateway's keys cannot be told from them. */
  protected pairOf(gateway: string): { current: Uint8Array; previous?: Uint8Array } {
    const text = `gateway/${gateway}`;
    const current = this.#keyring.derive(this.#purpose, text, keyBytes);
    const previous = this.#keyring.derivePrevious(this.#purpose, text, keyBytes);
    return { current, ...(previous && { previous }) };
  }
}

/** Who knows these may choose his endpoint, and no more. */
export class AffinityKeyring extends CookieKeyring {
  constructor(keyring: Keyring) {
    super(keyring, 'affinity');
  }

  keysOf(gateway: string): AffinityKeys {
    return create(AffinityKeysSchema, this.pairOf(gateway));
  }
}

/** Who knows these is whoever he says. */
export class LoginKeyring extends CookieKeyring {
  constructor(keyring: Keyring) {
    super(keyring, 'login');
  }

  keysOf(gateway: string): LoginKeys {
    return create(LoginKeysSchema, this.pairOf(gateway));
  }
}
