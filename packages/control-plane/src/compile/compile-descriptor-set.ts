import { qualifiedName } from '@causeway/model/resource';
import type { Compiled } from '@causeway/proto/compiled';
import { descriptorBytes, readDescriptors } from '../descriptors/read-descriptors.ts';
import type { Entry } from '../store/resource-index.ts';

/** Undefined: its descriptors are not known yet. */
export function compileDescriptorSet(entry: Entry): Compiled | undefined {
  const { namespace, name } = entry.resource.metadata;
  const bytes = descriptorBytes(entry);
  if (bytes === undefined) return undefined;
  const { compiled } = readDescriptors(bytes);
  const qualified = qualifiedName(namespace, name);
  return { kind: 'descriptors', key: `descriptors/${qualified}`, value: { ...compiled, name: qualified } };
}
