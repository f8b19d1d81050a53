import { kindByWord } from '@causeway/model/kinds/registry';
import { type Identity, resourceKey } from '@causeway/model/resource';

/**
 * How gwctl writes an object: `route/orders` in the current namespace and for cluster-wide kinds, `route/shop/orders` in
 * another one.
 */
export function shownKey(key: string, currentNamespace: string): string {
  const [kind, namespace, name] = key.split('/');
  return name !== undefined && namespace === currentNamespace ? `${kind}/${name}` : key;
}

export function shownIdentity(identity: Identity, currentNamespace: string): string {
  return shownKey(resourceKey(identity), currentNamespace);
}

/** The inverse of `resourceKey`, for keys that the server has written. */
export function identityOfKey(key: string): Identity {
  const [word = '', ...rest] = key.split('/');
  const kind = kindByWord(word)?.kind ?? word;
  return rest.length === 2 ? { kind, namespace: rest[0]!, name: rest[1]! } : { kind, name: rest[0] ?? '' };
}
