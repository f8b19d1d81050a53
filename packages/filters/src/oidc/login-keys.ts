/** What cookies of logged in users are sealed with: the same on all nodes, so that each knows the sessions of all. */

import { seal, unseal } from '@causeway/runtime/sealed-bytes';

/** What the previous one sealed is still good, and is sealed anew when it comes. */
export interface LoginKeyPair {
  readonly current: Uint8Array;
  readonly previous: Uint8Array | undefined;
}

export interface Unsealed {
  readonly text: string;
  /** It was sealed with the key before. */
  readonly isOld: boolean;
}

export class LoginKeys {
  #pair: LoginKeyPair | undefined;
  #changes = 0;

  /** Undefined: there are none yet, and nobody can log in. */
  constructor(pair: LoginKeyPair | undefined) {
    this.#pair = pair;
  }

  /** Another number whenever the keys have been replaced. */
  get changes(): number {
    return this.#changes;
  }

  get areThere(): boolean {
    return this.#pair !== undefined;
  }

  replace(pair: LoginKeyPair): void {
    this.#pair = pair;
    this.#changes += 1;
  }

  /** In base64url. `context`: what it is for; nothing that was sealed for something else can take its place. */
  seal(text: string, context: string): string {
    return Buffer.from(seal(this.#pair!.current, Buffer.from(text), context)).toString('base64url');
  }

  /** Undefined for what nobody here has sealed. */
  unseal(sealed: string, context: string): Unsealed | undefined {
    // What is decoded in spite of other characters would be many texts for one.
    if (!/^[\w-]+$/.test(sealed)) return undefined;
    const bytes = Buffer.from(sealed, 'base64url');
    for (const key of [this.#pair?.current, this.#pair?.previous]) {
      if (key === undefined) continue;
      try {
        const text = Buffer.from(unseal(key, bytes, context)).toString();
        return { text, isOld: key !== this.#pair!.current };
      } catch {
        // Made with another key, or by somebody else: the next key may tell.
      }
    }
    return undefined;
  }
}
