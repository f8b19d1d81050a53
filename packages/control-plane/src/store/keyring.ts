import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@causeway/runtime/clock';
import type { Sealer } from './sealer.ts';
import type { Store } from './store.ts';

/** What keys are for; each purpose has its own, so that one key's use tells nothing about another's. */
export const keyPurposes = ['secret-digest', 'continue-token'] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

interface KeyPair {
  current: Uint8Array;
  previous: Uint8Array | undefined;
}

/** Keys that the control plane owns: made at first start, sealed in the store, the previous one kept after a rotation. */
export class Keyring {
  readonly #keys: ReadonlyMap<KeyPurpose, KeyPair>;

  private constructor(keys: ReadonlyMap<KeyPurpose, KeyPair>) {
    this.#keys = keys;
  }

  static async open(store: Store, sealer: Sealer, clock: Clock): Promise<Keyring> {
    const sealed = await store.keys();
    const pairs = new Map<KeyPurpose, KeyPair>();
    for (const purpose of keyPurposes) {
      const opened = (slot: 'current' | 'previous'): Uint8Array | undefined => {
        const found = sealed.find((key) => key.purpose === purpose && key.slot === slot);
        return found && sealer.open(found.sealed, keyContext(purpose));
      };
      pairs.set(purpose, {
        current: opened('current') ?? (await makeKey(store, sealer, clock, purpose)),
        previous: opened('previous'),
      });
    }
    return new Keyring(pairs);
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
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest();
}

function keyContext(purpose: KeyPurpose): string {
  return `keyring/${purpose}`;
}

async function makeKey(store: Store, sealer: Sealer, clock: Clock, purpose: KeyPurpose): Promise<Uint8Array> {
  const key = randomBytes(32);
  await store.putKey({
    purpose,
    slot: 'current',
    createdAt: new Date(clock.wallMs()).toISOString(),
    sealed: sealer.seal(key, keyContext(purpose)),
  });
  return key;
}
