/** References within one document: `#/...`, as JSON Pointers in URI fragments (RFC 6901 section 6). */

import { at, isObject, type Located } from './located.ts';
import { SchemaFault } from './schema-fault.ts';

const hopsMax = 32;

/** Follows `$ref` until there is none. Throws SchemaFault for one that leads nowhere, out of the document, or in a circle. */
export function resolved(root: object, start: Located): Located {
  let here = start;
  for (let hops = 0; hops < hopsMax; hops += 1) {
    const reference = isObject(here.value) ? here.value['$ref'] : undefined;
    if (typeof reference !== 'string') return here;
    here = target(root, reference, here.pointer);
  }
  throw new SchemaFault('references that lead in a circle', start.pointer);
}

function target(root: object, reference: string, pointer: string): Located {
  if (!/^#(\/|$)/.test(reference))
    throw new SchemaFault('a reference out of the document: only #/... is followed', `${pointer}/$ref`);
  let here: Located = { value: root, pointer: '' };
  let decoded: string;
  try {
    decoded = decodeURIComponent(reference.slice(1));
  } catch {
    throw new SchemaFault('a reference with a bad escape', `${pointer}/$ref`);
  }
  for (const key of decoded.split('/').slice(1))
    here = at(here, key.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (here.value === undefined)
    throw new SchemaFault(`a reference to nothing: ${reference.slice(0, 100)}`, `${pointer}/$ref`);
  return here;
}
