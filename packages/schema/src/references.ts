/**
 * References within one document: `#/...`, as JSON Pointers in URI fragments (RFC 6901 section 6), anchors, and `$id`s that stand in it
 * (JSON Schema core sections 8.2 and 9.1).
 */

import { at, isObject, type Located } from './located.ts';
import { SchemaFault } from './schema-fault.ts';

const hopsMax = 32;

/** Hold data, not schemas. */
export const dataKeys: ReadonlySet<string> = new Set(['example', 'examples', 'default', 'enum', 'const']);
/** Hold schemas, or what holds schemas, by names that mean nothing. */
export const mapKeys: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
  'schemas',
  'paths',
  'pathItems',
  'content',
  'headers',
  'parameters',
  'requestBodies',
  'responses',
]);

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

/** `pointer`: of the reference, to which it is relative. Throws SchemaFault as `resolved`. */
export function target(root: object, reference: string, pointer: string): Located {
  const resources = resourcesOf(root);
  const [path = '', fragment = ''] = reference.split(/#(.*)/s, 2);
  const base = resourceAt(root, pointer);
  const resource = path === '' ? base : resources.byId.get(absolute(path, base.id));
  if (resource === undefined)
    throw new SchemaFault('a reference out of the document: only what stands in it is followed', pointer);
  let decoded: string;
  try {
    decoded = decodeURIComponent(fragment);
  } catch {
    throw new SchemaFault('a reference with a bad escape', pointer);
  }
  if (pointer.endsWith('/$dynamicRef') && resources.isDynamic(decoded))
    throw new SchemaFault('a $dynamicRef that may lead to one of several places is not followed', pointer);
  const found =
    decoded === '' || decoded.startsWith('/')
      ? pointed(resource, decoded)
      : resources.anchors.get(`${resource.id}#${decoded}`);
  if (found?.value === undefined)
    throw new SchemaFault(`a reference to nothing: ${reference.slice(0, 100)}`, pointer);
  return found;
}

function pointed(start: Located, path: string): Located {
  let here = start;
  for (const key of path.split('/').slice(1)) here = at(here, plain(key));
  return here;
}

function plain(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** A schema with an `$id`, or the document. */
interface Resource extends Located {
  readonly id: string;
}

/** The nearest around what stands there. */
function resourceAt(root: object, pointer: string): Resource {
  let here: Located = { value: root, pointer: '' };
  let resource = resourceOf(here, documentId);
  for (const key of pointer.split('/').slice(1)) {
    here = at(here, plain(key));
    if (hasId(here.value)) resource = resourceOf(here, resource.id);
  }
  return resource;
}

const names = ['$id', '$anchor', '$dynamicAnchor'];

function isNamed(value: object): value is Record<string, unknown> {
  return isObject(value) && names.some((name) => typeof value[name] === 'string');
}

function pointerOf(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const documentId = 'causeway:///document';

function hasId(value: unknown): value is { readonly $id: string } {
  return isObject(value) && typeof value['$id'] === 'string';
}

function resourceOf(here: Located, base: string): Resource {
  return { ...here, id: hasId(here.value) ? absolute(here.value.$id, base) : base };
}

function absolute(path: string, base: string): string {
  return (URL.parse(path, base)?.href ?? path).replace(/#.*$/s, '');
}

class Resources {
  readonly byId = new Map<string, Resource>();
  /** By the id of their resource, `#`, and name. */
  readonly anchors = new Map<string, Located>();
  /** How many `$dynamicAnchor`s there are, by name. */
  readonly #dynamic = new Map<string, number>();

  constructor(root: object) {
    this.#walk(root, [], resourceOf({ value: root, pointer: '' }, documentId), false);
  }

  /** Hot path: there may be millions of values, of which few have names, and only theirs are of interest. */
  #walk(value: unknown, keys: string[], around: Resource, isMap: boolean): void {
    if (typeof value !== 'object' || value === null) return;
    let resource = around;
    if (!isMap && isNamed(value)) {
      const here = { value, pointer: pointerOf(keys) };
      if (keys.length > 0) resource = resourceOf(here, around.id);
      this.#add(value, here, resource);
    }
    for (const [key, inner] of Object.entries(value)) {
      if (!isMap && (dataKeys.has(key) || key.startsWith('x-'))) continue;
      keys.push(key);
      this.#walk(inner, keys, resource, !isMap && mapKeys.has(key));
      keys.pop();
    }
  }

  /** Whether it depends on who refers where a `$dynamicRef` by this name leads. */
  isDynamic(name: string): boolean {
    return (this.#dynamic.get(name) ?? 0) > 1;
  }

  #add(value: Record<string, unknown>, here: Located, resource: Resource): void {
    if (hasId(value)) {
      const other = this.byId.get(resource.id);
      if (other !== undefined)
        throw new SchemaFault(`the same $id as ${other.pointer.slice(0, 200)}`, `${here.pointer}/$id`);
      this.byId.set(resource.id, resource);
    }
    for (const key of ['$anchor', '$dynamicAnchor'])
      if (typeof value[key] === 'string') this.anchors.set(`${resource.id}#${value[key]}`, here);
    const name = value['$dynamicAnchor'];
    if (typeof name === 'string') this.#dynamic.set(name, (this.#dynamic.get(name) ?? 0) + 1);
  }
}

const known = new WeakMap<object, Resources>();

function resourcesOf(root: object): Resources {
  let resources = known.get(root);
  if (resources === undefined) known.set(root, (resources = new Resources(root)));
  return resources;
}
