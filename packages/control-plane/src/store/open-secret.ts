import type { ResourceIndex } from './resource-index.ts';
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
