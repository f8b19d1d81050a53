import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@causeway/runtime/clock';
import type { Sealer } from './sealer.ts';
import type { SealedKey, Store } from './store.ts';

/** What keys are for; each purpose has its own, so that one key's use tells nothing about another's. */
export const keyPurposes = [
  'secret-digest',
  'continue-token',
  'session-tickets',
  'affinity',
  'consumer-keys',
  'login',
] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

interface KeyPair {
  current: Uint8Array;
  /** RFC 3339. */
  createdAt: string;
  previous: Uint8Array | undefined;
}

/** Keys that the control plane owns: made at first start, sealed in the store, the previous one kept after a rotation. */
export class Keyring {
  readonly #keys: Map<KeyPurpose, KeyPair>;
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  private constructor(keys: Map<KeyPurpose, KeyPair>, store: Store, sealer: Sealer, clock: Clock) {
    this.#keys = keys;
    this.#store = store;
    this.#sealer = sealer;
    this.#clock = clock;
  }

  static async open(store: Store, sealer: Sealer, clock: Clock): Promise<Keyring> {
    const sealed = await store.keys();
    const pairs = new Map<KeyPurpose, KeyPair>();
    const keyring = new Keyring(pairs, store, sealer, clock);
    for (const purpose of keyPurposes) {
      const stored = (slot: SealedKey['slot']): SealedKey | undefined =>
        sealed.find((key) => key.purpose === purpose && key.slot === slot);
      const opened = (key: SealedKey): Uint8Array => sealer.open(key.sealed, keyContext(purpose));
      const [current, previous] = [stored('current'), stored('previous')];
      if (current === undefined) await keyring.#make(purpose, undefined);
      else
        pairs.set(purpose, {
          current: opened(current),
          createdAt: current.createdAt,
          previous: previous && opened(previous),
        });
    }
    return keyring;
  }

  /** HMAC-SHA-256 under the current key of a purpose. */
  sign(purpose: KeyPurpose, text: string): Uint8Array {
    return hmac(this.#keys.get(purpose)!.current, text);
  }

  /** True when a current or previous key of the purpose made this signature. Constant time. */
  verify(purpose: KeyPurpose, text: string, signature: Uint8Array): boolean {
    const { current, previous } = this.#keys.get(purpose)!;
    return [current, previous].some((key) => {
      if (key === undefined) return false;
      const expected = hmac(key, text);
      return expected.byteLength === signature.byteLength && timingSafeEqual(expected, signature);
    });
  }

  /** Bytes that only who knows the current key of a purpose can make, and that tell nothing of the key: HKDF-SHA-256 (RFC 5869). */
  derive(purpose: KeyPurpose, text: string, bytes: number): Uint8Array {
    return derived(this.#keys.get(purpose)!.current, text, bytes);
  }

  /** The same of the key before; undefined when it was never replaced. */
  derivePrevious(purpose: KeyPurpose, text: string, bytes: number): Uint8Array | undefined {
    const { previous } = this.#keys.get(purpose)!;
    return previous && derived(previous, text, bytes);
  }

  /** How long ago the current key was made, by wall time: negative when that was set back meanwhile. */
  ageMs(purpose: KeyPurpose): number {
    return this.#clock.wallMs() - Date.parse(this.#keys.get(purpose)!.createdAt);
  }

  /** Makes a new key; the current one becomes the previous, and the one before that is gone. Rejects as the store does, and then all is as it was. */
  async rotate(purpose: KeyPurpose): Promise<void> {
    await this.#make(purpose, this.#keys.get(purpose));
  }

  async #make(purpose: KeyPurpose, before: KeyPair | undefined): Promise<void> {
    const put = (slot: SealedKey['slot'], key: Uint8Array, createdAt: string): Promise<void> =>
      this.#store.putKey({ purpose, slot, createdAt, sealed: this.#sealer.seal(key, keyContext(purpose)) });
    const current = randomBytes(32);
    const createdAt = new Date(this.#clock.wallMs()).toISOString();
    // In this order: between the two writes the current key is the previous one too, and none is lost.
    if (before !== undefined) await put('previous', before.current, before.createdAt);
    await put('current', current, createdAt);
    this.#keys.set(purpose, { current, createdAt, previous: before?.current });
  }
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest();
}

function derived(key: Uint8Array, text: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), text, bytes));
}

function keyContext(purpose: KeyPurpose): string {
  return `keyring/${purpose}`;
}
