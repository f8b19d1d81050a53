/** References within one document: `#/...`, as JSON Pointers in URI fragments (RFC 6901 section 6), and anchors. */

import { at, isObject, type Located } from './located.ts';
import { SchemaFault } from './schema-fault.ts';

const hopsMax = 32;

/** Follows `$ref` until there is none. Throws SchemaFault for one that leads nowhere, out of the document, or in a circle. */
export function resolved(root: object, start: Located): Located {
  let here = start;
  for (let hops = 0; hops < hopsMax; hops += 1) {
    const next = referred(root, here);
    if (next === undefined) return here;
    here = next;
  }
  throw new SchemaFault('references that lead in a circle', start.pointer);
}

/** Where a value refers to; undefined: it does not. Throws SchemaFault as `resolved`. */
export function referred(root: object, { value, pointer }: Located): Located | undefined {
  if (!isObject(value)) return undefined;
  const key = typeof value['$ref'] === 'string' ? '$ref' : '$dynamicRef';
  const reference = value[key];
  return typeof reference === 'string' ? target(root, reference, `${pointer}/${key}`) : undefined;
}

function target(root: object, reference: string, pointer: string): Located {
  const id = '$id' in root && typeof root.$id === 'string' ? root.$id : '';
  const fragment = reference.startsWith(id) ? reference.slice(id.length) || '#' : reference;
  if (!fragment.startsWith('#'))
    throw new SchemaFault('a reference out of the document: only #... is followed', pointer);
  let decoded: string;
  try {
    decoded = decodeURIComponent(fragment.slice(1));
  } catch {
    throw new SchemaFault('a reference with a bad escape', pointer);
  }
  const found = decoded === '' || decoded.startsWith('/') ? pointed(root, decoded) : anchored(root, decoded);
  if (found?.value === undefined)
    throw new SchemaFault(`a reference to nothing: ${reference.slice(0, 100)}`, pointer);
  return found;
}

function pointed(root: object, path: string): Located {
  let here: Located = { value: root, pointer: '' };
  for (const key of path.split('/').slice(1))
    here = at(here, key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return here;
}

const anchors = new WeakMap<object, ReadonlyMap<string, Located>>();

function anchored(root: object, name: string): Located | undefined {
  let all = anchors.get(root);
  if (all === undefined) anchors.set(root, (all = anchorsOf(root)));
  return all.get(name);
}

function anchorsOf(root: object): ReadonlyMap<string, Located> {
  const found = new Map<string, Located>();
  const waiting: Located[] = [{ value: root, pointer: '' }];
  for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
    const { value } = here;
    if (typeof value !== 'object' || value === null) continue;
    if (isObject(value))
      for (const key of ['$anchor', '$dynamicAnchor'])
        if (typeof value[key] === 'string') found.set(value[key], here);
    for (const key of Object.keys(value)) waiting.push(at(here, key));
  }
  return found;
}
