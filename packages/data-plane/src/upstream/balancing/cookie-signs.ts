/**
 * What a cookie says of where a session belongs: a sign for each endpoint of a Service, or for each backend of a Route, which only holders of
 * the key can make, and which tells nobody else anything.
 *
 * Nothing is kept for a session: a node that has the same keys and endpoints knows the same signs.
 */

import { createHmac } from 'node:crypto';
import { textHash } from '@causeway/runtime/text-hash';

import type { AffinityKeys } from './affinity-keys.ts';

/** A sign is a tag, which says whose it is, and the half of an HMAC-SHA256; each in base64url. */
const tagBytes = 3;
const macBytes = 16;
const tagLength = 4;
const signPattern = /^[\w-]{26}$/;

const tagSeed = 0x27d4eb2f;

/** The tag of a sign in a cookie; undefined for what is none. */
export function tagOf(sign: string): string | undefined {
  return signPattern.test(sign) ? sign.slice(0, tagLength) : undefined;
}

interface KnownSign<T> {
  readonly target: T;
  /** Of the current key. */
  readonly isCurrent: boolean;
}

interface TargetSigns {
  readonly current: string;
  readonly previous: string | undefined;
}

/** The signs of one Service or Route. Two of them whose tags meet, one in 16 million, take each other's cookies for foreign ones of before. */
export class CookieSigns<T> {
  readonly tag: string;
  readonly #scope: string;
  readonly #keys: AffinityKeys;
  readonly #idOf: (target: T) => string;
  #targets: readonly T[] = [];
  /** The keys' changes when the signs were made. */
  #madeAt = -1;
  #isStale = false;
  #bySign = new Map<string, KnownSign<T>>();
  #signs = new Map<T, TargetSigns>();

  /** `scope`: what tells it from all others, as `service default/orders`. */
  constructor(scope: string, keys: AffinityKeys, idOf: (target: T) => string) {
    this.#scope = scope;
    this.#keys = keys;
    this.#idOf = idOf;
    const tag = Buffer.alloc(4);
    tag.writeInt32BE(textHash(scope, tagSeed));
    this.tag = tag.subarray(0, tagBytes).toString('base64url');
  }

  /** Those that stay keep their signs. */
  setTargets(targets: readonly T[]): void {
    this.#targets = targets;
    this.#isStale = true;
  }

  /** Undefined for a sign that is forged, or whose target is gone. */
  find(sign: string): KnownSign<T> | undefined {
    this.#refresh();
    return this.#bySign.get(sign);
  }

  /** Undefined for what is no target. */
  signOf(target: T): string | undefined {
    this.#refresh();
    return this.#signs.get(target)?.current;
  }

  /** Hot path: requests look signs up; only new keys or targets make some. */
  #refresh(): void {
    const { changes } = this.#keys;
    if (this.#madeAt === changes && !this.#isStale) return;
    const before = this.#madeAt === changes ? this.#signs : undefined;
    this.#signs = new Map(
      this.#targets.map((target) => [target, before?.get(target) ?? this.#makeBoth(target)]),
    );
    this.#bySign = new Map();
    for (const [target, { current, previous }] of this.#signs) {
      if (previous !== undefined) this.#bySign.set(previous, { target, isCurrent: false });
      this.#bySign.set(current, { target, isCurrent: true });
    }
    this.#madeAt = changes;
    this.#isStale = false;
  }

  #makeBoth(target: T): TargetSigns {
    const { current, previous } = this.#keys;
    return {
      current: this.#make(current, target),
      previous: previous && this.#make(previous, target),
    };
  }

  #make(key: Uint8Array, target: T): string {
    const mac = createHmac('sha256', key)
      .update(`${this.#scope}\n${this.#idOf(target)}`)
      .digest()
      .subarray(0, macBytes)
      .toString('base64url');
    return this.tag + mac;
  }
}
