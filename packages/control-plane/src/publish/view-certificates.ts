import { encodeItem } from '@causeway/proto/compiled';
import type { Item } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { compileCertificate } from '../compile/compile-resource.ts';
import { certificateKeyRef } from '../store/certificate-key.ts';
import type { Entry, EntryChange, ResourceView } from '../store/resource-index.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import { showsOwn } from '../store/certificate-users.ts';

interface Uses {
  /** References to it, of the Gateway and of Services. */
  references: number;
  /** Those of them that show it to clients or upstreams as their own, for which the key is needed. */
  shown: number;
}

/** What an item was made from. */
interface Sent {
  entry: Entry;
  /** Reference to the key that is in the item. */
  keyRef: string | undefined;
}

/** Takes what became of an item. */
interface ItemChanges {
  put(item: Item): void;
  remove(key: string): void;
}

/**
 * The Certificates that the Gateway and the Services of a view refer to. A private key leaves only where one of these shows
 * the Certificate as its own; as a mere trust anchor it travels without.
 */
export class ViewCertificates {
  readonly #resources: ResourceView;
  readonly #readSecret: ReadSecret;
  readonly #uses = new Map<string, Uses>();
  readonly #sent = new Map<string, Sent>();
  readonly #touched = new Set<string>();

  constructor(resources: ResourceView, readSecret: ReadSecret) {
    this.#resources = resources;
    this.#readSecret = readSecret;
  }

  /** The Gateway or a Service has come into the view or left it. */
  countUses(user: Entry, by: 1 | -1): void {
    for (const { kind, target, pointer } of user.references) {
      if (kind !== 'Certificate') continue;
      const uses = this.#uses.get(target) ?? { references: 0, shown: 0 };
      uses.references += by;
      if (showsOwn(pointer)) uses.shown += by;
      if (uses.references === 0) this.#uses.delete(target);
      else this.#uses.set(target, uses);
      this.#touched.add(target);
    }
  }

  /** An object has changed: a Certificate, or the Secret that one has its key in. */
  noteChange({ key, before, after }: EntryChange): void {
    const kind = (after ?? before)?.resource.kind;
    if (kind === 'Certificate') this.#touched.add(key);
    if (kind === 'Secret')
      for (const referrer of this.#resources.referrersOf(key)) this.#touched.add(referrer);
  }

  /** Tells what the changes since the last call have made of the items. */
  update(items: ItemChanges): void {
    for (const key of this.#touched) {
      const uses = this.#uses.get(key);
      const entry = uses && this.#resources.get(key);
      if (entry) this.#put(entry, uses.shown > 0, items);
      else if (this.#sent.delete(key)) items.remove(key);
    }
    this.#touched.clear();
  }

  #put(entry: Entry, withKey: boolean, items: ItemChanges): void {
    const keyRef = withKey ? certificateKeyRef(entry, this.#resources) : undefined;
    const sent = this.#sent.get(entry.key);
    if (sent?.entry === entry && sent.keyRef === keyRef) return;
    this.#sent.set(entry.key, { entry, keyRef });
    items.put(
      encodeItem(compileCertificate(entry, keyRef === undefined ? undefined : this.#readSecret(keyRef))),
    );
  }
}
