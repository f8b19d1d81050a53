import type { ConsumerSpec } from '@causeway/model/kinds/consumer';
import type { Entry, ResourceIndex, ResourceView } from './resource-index.ts';
import { secretAt } from './secret-at.ts';
import type { Sealer } from './sealer.ts';
import type { ReadSecret } from './secret-values.ts';

/** What a secret's sealed form is bound to. */
export function secretContext(ref: string): string {
  return `secret/${ref}`;
}

/** Reads the secrets that current resources hold. What is opened is not kept. */
export function secretReader(index: ResourceIndex, sealer: Sealer): ReadSecret {
  return (ref) => {
    const sealed = index.sealedSecret(ref);
    return sealed && Buffer.from(sealer.open(sealed, secretContext(ref))).toString();
  };
}

/** Passwords of Consumers, with what they are stored under. */
export function* passwordsIn(
  consumers: Iterable<Entry>,
  resources: ResourceView,
  readSecret: ReadSecret,
): Generator<{ ref: string; text: string }> {
  for (const consumer of consumers) {
    for (const index of (consumer.effective as ConsumerSpec).passwords.keys()) {
      const ref = secretAt(consumer, ['passwords', String(index), 'password'], resources)?.secretRef;
      const text = ref === undefined ? undefined : readSecret(ref);
      if (ref !== undefined && text !== undefined) yield { ref, text };
    }
  }
}
