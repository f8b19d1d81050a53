import { fieldOf } from '@causeway/model/kinds/kind';
import { valueAt } from '@causeway/model/value-at';
import { targetKey, type Entry, type ResourceView } from './resource-index.ts';
import { secretReference, type SecretReference } from './secret-values.ts';

/** The stored text that stands at a place of an object, or in the Secret that it refers to there; undefined when there is none. */
export function secretAt(
  entry: Entry,
  path: readonly string[],
  resources: ResourceView,
): SecretReference | undefined {
  const written = valueAt(entry.resource.spec, path);
  const own = secretReference(written);
  if (own) return own;
  const [name, key] = [fieldOf(written, 'secret'), fieldOf(written, 'key')];
  if (typeof name !== 'string' || typeof key !== 'string') return undefined;
  const secret = resources.get(targetKey({ kind: 'Secret', name }, entry.resource));
  return secretReference(fieldOf(secret?.resource.spec['data'], key));
}
