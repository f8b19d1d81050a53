import type { Reference } from '@causeway/model/kinds/kind';
import { kindNamed } from '@causeway/model/kinds/registry';
import {
  defaultNamespace,
  type Identity,
  identityOf,
  type Manifest,
  resourceKey,
  type StoredResource,
} from '@causeway/model/resource';
import { effectiveSpec } from '@causeway/model/validate-document';
import { assert } from '@causeway/runtime/assert';
import { referencesOf, withHiddenSecrets } from './secret-values.ts';
import type { CommittedChanges, Store } from './store.ts';

/** A stored resource with what is derived from it once. */
export interface Entry {
  readonly key: string;
  readonly resource: StoredResource;
  /** The spec with every default filled in. */
  readonly effective: unknown;
  readonly references: readonly (Reference & { readonly target: string })[];
  /** When its last change was committed, RFC 3339. */
  readonly committedAt: string;
}

export type EntryChange = { key: string; before: Entry | undefined; after: Entry | undefined };
export type RevisionListener = (
  revision: number,
  committedAt: string,
  changes: readonly EntryChange[],
) => void;

/** Reads that planning needs; the index answers them, and so does a plan laid over it. */
export interface ResourceView {
  get(key: string): Entry | undefined;
  /** Keys of the objects that refer to `key`. */
  referrersOf(key: string): Iterable<string>;
  entriesOf(kind: string): Iterable<Entry>;
}

/**
 * The current configuration in memory, following the store by its revisions: reads never wait for the disk, and who
 * listens hears every revision once, in order, after it has been committed.
 */
export class ResourceIndex implements ResourceView {
  readonly #store: Store;
  readonly #entries = new Map<string, Entry>();
  readonly #byKind = new Map<string, Map<string, Entry>>();
  readonly #referrers = new Map<string, Set<string>>();
  /** Sealed, as the store has them: those that current resources hold. */
  readonly #sealedSecrets = new Map<string, Uint8Array>();
  readonly #listeners: RevisionListener[] = [];
  #revision = 0;
  #following: Promise<void> | undefined;

  private constructor(store: Store) {
    this.#store = store;
  }

  static async load(store: Store): Promise<ResourceIndex> {
    const index = new ResourceIndex(store);
    index.#revision = await store.currentRevision();
    for (const { resource, committedAt } of await store.at(index.#revision)) {
      await index.#fetchSecrets(resource);
      index.#replace(resourceKey(identityOf(resource)), entryOf(resource, committedAt));
    }
    return index;
  }

  /** Revision that the index stands at. */
  get revision(): number {
    return this.#revision;
  }

  /** The sealed form of a secret that a current resource holds. */
  sealedSecret(ref: string): Uint8Array | undefined {
    return this.#sealedSecrets.get(ref);
  }

  onRevision(listener: RevisionListener): void {
    this.#listeners.push(listener);
  }

  /** Catches up with the store; concurrent calls share one run, and a call made during a run starts another after it. */
  async follow(): Promise<void> {
    while (this.#following) await this.#following;
    this.#following = this.#catchUp();
    try {
      await this.#following;
    } finally {
      this.#following = undefined;
    }
  }

  async #catchUp(): Promise<void> {
    const { commits } = await this.#store.changesSince(this.#revision);
    for (const commit of commits) {
      for (const change of commit.changes) if (change.op === 'put') await this.#fetchSecrets(change.resource);
      this.#take(commit);
    }
  }

  /** What is purged by now, a later commit has replaced. */
  async #fetchSecrets(resource: StoredResource): Promise<void> {
    for (const { secretRef } of referencesOf(resource).values()) {
      if (this.#sealedSecrets.has(secretRef)) continue;
      const sealed = await this.#store.secret(secretRef);
      if (sealed) this.#sealedSecrets.set(secretRef, sealed);
    }
  }

  #forgetSecrets(before: Entry | undefined, after: Entry | undefined): void {
    const kept = new Set(Array.from(referencesOf(after?.resource).values(), ({ secretRef }) => secretRef));
    for (const { secretRef } of referencesOf(before?.resource).values())
      if (!kept.has(secretRef)) this.#sealedSecrets.delete(secretRef);
  }

  #take(commit: CommittedChanges): void {
    assert(commit.revision === this.#revision + 1, 'revisions come one by one');
    const changes = commit.changes.map((change): EntryChange => {
      const key =
        change.op === 'put' ? resourceKey(identityOf(change.resource)) : resourceKey(change.identity);
      const after = change.op === 'put' ? entryOf(change.resource, commit.committedAt) : undefined;
      return { key, before: this.#replace(key, after), after };
    });
    this.#revision = commit.revision;
    for (const listener of this.#listeners) listener(commit.revision, commit.committedAt, changes);
  }

  #replace(key: string, after: Entry | undefined): Entry | undefined {
    const before = this.#entries.get(key);
    for (const reference of before?.references ?? []) this.#referrers.get(reference.target)?.delete(key);
    this.#forgetSecrets(before, after);
    if (before && !after) this.#byKind.get(before.resource.kind)?.delete(key);
    if (!after) {
      this.#entries.delete(key);
      return before;
    }
    this.#entries.set(key, after);
    mapIn(this.#byKind, after.resource.kind).set(key, after);
    for (const reference of after.references) {
      let referrers = this.#referrers.get(reference.target);
      if (!referrers) this.#referrers.set(reference.target, (referrers = new Set()));
      referrers.add(key);
    }
    return before;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  referrersOf(key: string): Iterable<string> {
    return this.#referrers.get(key) ?? [];
  }

  entriesOf(kind: string): Iterable<Entry> {
    return this.#byKind.get(kind)?.values() ?? [];
  }

  countOf(kind: string): number {
    return this.#byKind.get(kind)?.size ?? 0;
  }
}

function mapIn(maps: Map<string, Map<string, Entry>>, key: string): Map<string, Entry> {
  let map = maps.get(key);
  if (!map) maps.set(key, (map = new Map()));
  return map;
}

/** Derives an entry from a resource whose spec is valid. */
export function entryOf(resource: StoredResource, committedAt: string): Entry {
  const kind = kindNamed(resource.kind);
  assert(kind?.spec, `a stored ${resource.kind} is a writable kind`);
  // A Secret's stored spec holds references where its schema has strings.
  const effective = effectiveSpec(kind, withHiddenSecrets(resource).spec);
  const references = kind
    .references(effective)
    .map((reference) => ({ ...reference, target: targetKey(reference, resource) }));
  return { key: resourceKey(identityOf(resource)), resource, effective, references, committedAt };
}

/** Key of what a reference means: the same namespace, or `default` for references of cluster-wide objects. */
export function targetKey(
  reference: Pick<Reference, 'kind' | 'name'>,
  from: Pick<Manifest, 'metadata'>,
): string {
  const namespaced = kindNamed(reference.kind)?.namespaced ?? true;
  const target: Identity = {
    kind: reference.kind,
    namespace: namespaced ? (from.metadata.namespace ?? defaultNamespace) : undefined,
    name: reference.name,
  };
  return resourceKey(target);
}
