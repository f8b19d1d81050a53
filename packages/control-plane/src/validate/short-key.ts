import { defaultNamespace } from '@causeway/model/resource';
import type { Entry } from '../store/resource-index.ts';

/** `route/orders` in namespace default, as gwctl prints keys; the long form elsewhere. */
export function shortKey(entry: Entry): string {
  const { kind, metadata } = entry.resource;
  return metadata.namespace === defaultNamespace ? `${kind.toLowerCase()}/${metadata.name}` : entry.key;
}
