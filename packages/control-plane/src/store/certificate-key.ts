import { fieldOf } from '@causeway/model/kinds/kind';
import type { Entry, ResourceView } from './resource-index.ts';
import { secretReference } from './secret-values.ts';

/** Where a Certificate says that its key stands in a Secret; undefined when it does not. */
export function secretKeyOf(certificate: Entry): { target: string; key: string } | undefined {
  const reference = certificate.references.find(({ kind }) => kind === 'Secret');
  const key = fieldOf(certificate.resource.spec['key'], 'key');
  return reference && typeof key === 'string' ? { target: reference.target, key } : undefined;
}

/** Reference to the stored text of a Certificate's key, its own or that in a Secret; undefined when there is none. */
export function certificateKeyRef(certificate: Entry, resources: ResourceView): string | undefined {
  const own = secretReference(certificate.resource.spec['key']);
  if (own) return own.secretRef;
  const inSecret = secretKeyOf(certificate);
  const data = inSecret && resources.get(inSecret.target)?.resource.spec['data'];
  return inSecret && secretReference(fieldOf(data, inSecret.key))?.secretRef;
}
