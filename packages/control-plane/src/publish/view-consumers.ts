import type { ConsumerSpec } from '@causeway/model/kinds/consumer';
import { defaultNamespace } from '@causeway/model/resource';
import { encodeItem } from '@causeway/proto/compiled';
import type { Item } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { compileConsumer, compileKeySecret } from '../compile/compile-consumer.ts';
import type { CredentialHashes } from '../store/credential-hashes.ts';
import type { Entry, EntryChange, ResourceView } from '../store/resource-index.ts';
import { secretAt } from '../store/secret-at.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import { countsInRedis } from './counts-in-redis.ts';
import { authenticates } from './authenticates.ts';

/** Takes what became of an item. */
interface ItemChanges {
  put(item: Item): void;
  remove(key: string): void;
}

/** What an item was made from. */
interface Sent {
  entry: Entry;
  countsInRedis: boolean;
  /** References to the texts that are hashed in it. */
  refs: string;
}

export interface ConsumerSources {
  readonly gateway: string;
  readonly resources: ResourceView;
  readonly readSecret: ReadSecret;
  readonly hashes: CredentialHashes;
}

/**
 * The Consumers of the namespaces in which a view has filters that look for them, and the secret that their keys are hashed with. Where
 * nobody is asked who he is, nothing of Consumers is sent.
 */
export class ViewConsumers {
  readonly #sources: ConsumerSources;
  /** By namespace: how many objects of the view look for its Consumers. */
  readonly #uses = new Map<string, number>();
  readonly #open = new Set<string>();
  readonly #sent = new Map<string, Sent>();
  /** Of those that are sent, how many are held to something in Redis. */
  #redisUsers = 0;
  readonly #touched = new Set<string>();
  readonly #touchedNamespaces = new Set<string>();

  constructor(sources: ConsumerSources) {
    this.#sources = sources;
  }

  get redisUsers(): number {
    return this.#redisUsers;
  }

  /** The Gateway, a Route or a Middleware has come into the view or left it. */
  countUses(user: Entry, by: 1 | -1): void {
    if (!authenticates(user)) return;
    const namespace = namespaceOf(user);
    const uses = (this.#uses.get(namespace) ?? 0) + by;
    if (uses === 0) this.#uses.delete(namespace);
    else this.#uses.set(namespace, uses);
    this.#touchedNamespaces.add(namespace);
  }

  /** An object has changed: a Consumer, or a Secret that some have their keys in. */
  noteChange({ key, before, after }: EntryChange): void {
    const kind = (after ?? before)?.resource.kind;
    if (kind === 'Consumer') this.#touched.add(key);
    if (kind === 'Secret')
      for (const referrer of this.#sources.resources.referrersOf(key)) this.#touched.add(referrer);
  }

  /** Tells what the changes since the last call have made of the items. */
  update(items: ItemChanges): void {
    const { gateway, resources, hashes } = this.#sources;
    const hadAny = this.#open.size > 0;
    for (const namespace of this.#touchedNamespaces) this.#turn(namespace);
    this.#touchedNamespaces.clear();
    if (!hadAny && this.#open.size > 0) items.put(encodeItem(compileKeySecret(gateway, hashes)));
    if (hadAny && this.#open.size === 0) items.remove(`keysecret/${gateway}`);
    for (const key of this.#touched) {
      const entry = resources.get(key);
      if (entry?.resource.kind === 'Consumer' && this.#open.has(namespaceOf(entry))) this.#put(entry, items);
      else if (this.#forget(key)) items.remove(key);
    }
    this.#touched.clear();
  }

  /** Somebody began to look for the Consumers of a namespace, or nobody does any more. */
  #turn(namespace: string): void {
    const isOpen = this.#uses.has(namespace);
    if (isOpen === this.#open.has(namespace)) return;
    if (isOpen) this.#open.add(namespace);
    else this.#open.delete(namespace);
    const known = isOpen ? this.#sources.resources.entriesOf('Consumer') : this.#sentEntries();
    for (const entry of known) if (namespaceOf(entry) === namespace) this.#touched.add(entry.key);
  }

  #forget(key: string): boolean {
    if (this.#sent.get(key)?.countsInRedis === true) this.#redisUsers -= 1;
    return this.#sent.delete(key);
  }

  *#sentEntries(): Generator<Entry> {
    for (const { entry } of this.#sent.values()) yield entry;
  }

  #put(entry: Entry, items: ItemChanges): void {
    const { resources, readSecret, hashes } = this.#sources;
    const refs = credentialPaths(entry)
      .map((path) => secretAt(entry, path, resources)?.secretRef ?? '')
      .join(' ');
    const sent = this.#sent.get(entry.key);
    if (sent?.entry === entry && sent.refs === refs) return;
    this.#forget(entry.key);
    this.#sent.set(entry.key, { entry, refs, countsInRedis: countsInRedis(entry) });
    if (countsInRedis(entry)) this.#redisUsers += 1;
    const compiled = compileConsumer(
      entry,
      (path) => {
        const ref = secretAt(entry, path, resources)?.secretRef;
        const text = ref === undefined ? undefined : readSecret(ref);
        return ref === undefined || text === undefined ? undefined : { ref, text };
      },
      hashes,
    );
    items.put(encodeItem(compiled));
  }
}

function credentialPaths(entry: Entry): string[][] {
  const { keys, passwords } = entry.effective as ConsumerSpec;
  return [
    ...keys.map((_, index) => ['keys', String(index), 'value']),
    ...passwords.map((_, index) => ['passwords', String(index), 'password']),
  ];
}

function namespaceOf(entry: Entry): string {
  return entry.resource.metadata.namespace ?? defaultNamespace;
}
