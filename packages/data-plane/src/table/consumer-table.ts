/** The Consumers of a table, and the ways to find one. A change of one costs what stands for it, however many there are. */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import type {
  ConsumerLimits,
  ConsumerLookup,
  KnownConsumer,
  KnownKey,
  KnownPassword,
  ShownCertificate,
  StoredPassword,
} from '@causeway/filters/consumers';
import type {
  CertificateIdentity,
  CompiledConsumer,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import {
  type EditToken,
  sharedDelete,
  sharedGet,
  type SharedMap,
  sharedSet,
} from '@causeway/router/shared-map';
import type { Steps } from '@causeway/runtime/work-slices';

import type { Changes } from './apply-changes.ts';
import { readConsumerLimits } from './read-consumer-limits.ts';

interface HeldKey extends KnownKey {
  readonly consumer: ConsumerEntry;
  readonly hash: Uint8Array;
}

interface HeldPassword extends KnownPassword {
  readonly consumer: ConsumerEntry;
}

interface HeldToken {
  readonly consumer: ConsumerEntry;
}

/** A Consumer with what stands for it, each under the key that it is found by. What is secret of it is hashed. */
export class ConsumerEntry implements KnownConsumer {
  readonly namespace: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly disabled: boolean;
  readonly limits: ConsumerLimits | undefined;
  readonly keys: readonly (readonly [key: string, held: HeldKey])[];
  readonly passwords: readonly (readonly [key: string, held: HeldPassword])[];
  /** Of tokens and certificates. */
  readonly others: readonly string[];

  constructor(compiled: CompiledConsumer) {
    const slash = compiled.name.indexOf('/');
    const namespace = compiled.name.slice(0, slash);
    this.namespace = namespace;
    this.name = compiled.name.slice(slash + 1);
    this.groups = compiled.groups;
    this.disabled = compiled.disabled;
    this.limits = readConsumerLimits(compiled);
    this.keys = compiled.keys.map(({ hash, expiresAtMs, disabled, useTold }) => {
      const until = expiresAtMs === undefined ? Infinity : Number(expiresAtMs);
      const use = useTold ? { hash, toldMs: -Infinity } : undefined;
      const held = { consumer: this, hash, expiresAtMs: until, isDisabled: disabled, use };
      return [hashedKey(namespace, hash), held];
    });
    this.passwords = compiled.passwords.map(({ username, salt, costLog2, hash }) => {
      const stored: StoredPassword = { salt, costLog2, hash };
      return [usernameKey(namespace, byteString(username)), { consumer: this, stored }];
    });
    this.others = [
      ...compiled.tokens.map(({ provider, value }) => tokenKey(namespace, provider, value)),
      ...compiled.clientCertificates.map((identity) => certificateKey(namespace, identityText(identity))),
    ];
  }
}

interface Maps {
  /** By `namespace/name`. */
  readonly entries: SharedMap<ConsumerEntry> | undefined;
  readonly keys: SharedMap<HeldKey> | undefined;
  readonly passwords: SharedMap<HeldPassword> | undefined;
  readonly others: SharedMap<HeldToken> | undefined;
}

export class ConsumerTable implements ConsumerLookup {
  static readonly empty = new ConsumerTable(
    { entries: undefined, keys: undefined, passwords: undefined, others: undefined },
    undefined,
  );

  readonly maps: Maps;
  readonly #keySecret: Uint8Array | undefined;

  constructor(maps: Maps, keySecret: Uint8Array | undefined) {
    this.maps = maps;
    this.#keySecret = keySecret;
  }

  /** With the changes in it. `keySecret`: another one; null: none; undefined: as it is. */
  *with(changes: Changes<ConsumerEntry>, keySecret: Uint8Array | null | undefined): Steps<ConsumerTable> {
    if (changes.size === 0 && keySecret === undefined) return this;
    const edit = new MapEdit(this.maps);
    // First what goes: of what moves from one Consumer to another, that of the new one stays.
    for (const name of changes.keys()) {
      edit.remove(name);
      yield;
    }
    for (const [name, entry] of changes) {
      if (entry !== undefined) edit.add(name, entry);
      yield;
    }
    return new ConsumerTable(
      edit.maps(),
      keySecret === undefined ? this.#keySecret : (keySecret ?? undefined),
    );
  }

  /**
   * How long the look-up takes depends on the keyed hash alone, of which who does not know the secret can say nothing, whatever he
   * presents; so it tells nothing about keys that there are. The comparison leaves nothing to the map either.
   */
  byKey(namespace: string, key: string): KnownKey | undefined {
    if (this.#keySecret === undefined) return undefined;
    const hash = createHmac('sha256', this.#keySecret).update(key, 'latin1').digest();
    const held = sharedGet(this.maps.keys, hashedKey(namespace, hash));
    return held !== undefined && timingSafeEqual(held.hash, hash) ? held : undefined;
  }

  byUsername(namespace: string, username: string): KnownPassword | undefined {
    return sharedGet(this.maps.passwords, usernameKey(namespace, username));
  }

  byCertificate(
    namespace: string,
    { subject, alternativeNames, sha256 }: ShownCertificate,
  ): KnownConsumer | undefined {
    const { others } = this.maps;
    if (others === undefined) return undefined;
    for (const text of [
      `sha256 ${sha256}`,
      ...alternativeNames.map((name) => `san ${name}`),
      `subject ${subject}`,
    ]) {
      const held = sharedGet(others, certificateKey(namespace, text));
      if (held !== undefined) return held.consumer;
    }
    return undefined;
  }

  byToken(namespace: string, provider: string, value: string): KnownConsumer | undefined {
    return sharedGet(this.maps.others, tokenKey(namespace, provider, value))?.consumer;
  }
}

class MapEdit {
  readonly #token: EditToken = { edit: true };
  #entries: Maps['entries'];
  #keys: Maps['keys'];
  #passwords: Maps['passwords'];
  #others: Maps['others'];

  constructor({ entries, keys, passwords, others }: Maps) {
    this.#entries = entries;
    this.#keys = keys;
    this.#passwords = passwords;
    this.#others = others;
  }

  remove(name: string): void {
    const entry = sharedGet(this.#entries, name);
    if (entry === undefined) return;
    this.#entries = sharedDelete(this.#entries, name, this.#token);
    for (const [key] of entry.keys) this.#keys = sharedDelete(this.#keys, key, this.#token);
    for (const [key] of entry.passwords) this.#passwords = sharedDelete(this.#passwords, key, this.#token);
    for (const key of entry.others) this.#others = sharedDelete(this.#others, key, this.#token);
  }

  add(name: string, entry: ConsumerEntry): void {
    this.#entries = sharedSet(this.#entries, name, entry, this.#token);
    for (const [key, held] of entry.keys) this.#keys = sharedSet(this.#keys, key, held, this.#token);
    for (const [key, held] of entry.passwords)
      this.#passwords = sharedSet(this.#passwords, key, held, this.#token);
    for (const key of entry.others)
      this.#others = sharedSet(this.#others, key, { consumer: entry }, this.#token);
  }

  maps(): Maps {
    return { entries: this.#entries, keys: this.#keys, passwords: this.#passwords, others: this.#others };
  }
}

function hashedKey(namespace: string, hash: Uint8Array): string {
  return `${Buffer.from(hash).toString('base64')} ${namespace}`;
}

function usernameKey(namespace: string, username: string): string {
  return `${spread(username)} ${namespace}`;
}

function tokenKey(namespace: string, provider: string, value: string): string {
  return `${spread(value)} ${provider} token ${namespace}`;
}

/** No token has the provider "certificate" in the place of two words. */
function certificateKey(namespace: string, text: string): string {
  return `${spread(text)} certificate ${namespace}`;
}

function identityText({ identity }: CertificateIdentity): string {
  switch (identity.case) {
    case 'sha256':
      return `sha256 ${identity.value}`;
    case 'alternativeName':
      return `san ${byteString(identity.value)}`;
    default:
      return `subject ${identity.value ?? ''}`;
  }
}

const spreadLengthMin = 32;

/** Shared maps spread keys by their beginning, and long names have it in common. */
function spread(text: string): string {
  return text.length < spreadLengthMin ? text : createHash('sha256').update(text).digest('base64');
}

/** As requests have it. */
function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
