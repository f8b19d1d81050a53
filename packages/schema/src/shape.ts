/** What the values of a schema are made of, as far as reading them from texts needs it. */

import { at, isObject, type Located } from './located.ts';
import { referred } from './references.ts';
import { SchemaFault } from './schema-fault.ts';

/** Names of types; empty: any. */
export type Types = ReadonlySet<string>;

export interface Shape {
  readonly types: Types;
  readonly itemTypes: Types;
  /** Members that the schema names; of those that are lists with the types of their entries. */
  readonly memberTypes: ReadonlyMap<string, Types>;
  /** Of members by other names, likewise; undefined: the schema says nothing of them. */
  readonly otherTypes: Types | undefined;
  /** Some text may stand for a number as well as for itself, or a list for its only entry. */
  readonly isAmbiguous: boolean;
  /** Of a member, and of an entry of a list. Throw SchemaFault as `shapeOf`. */
  readonly member: (name: string) => Shape;
  readonly item: () => Shape;
}

const parts = ['allOf', 'anyOf', 'oneOf'] as const;
const branches = ['then', 'else'] as const;
const others = ['additionalProperties', 'unevaluatedProperties'] as const;
/** Speak of members whatever their names are. */
const countingKeys = ['patternProperties', 'propertyNames', 'minProperties', 'maxProperties'];

/** Types that a schema without one speaks of, by its keywords. */
const spokenOf: readonly (readonly [type: string, keys: readonly string[]])[] = [
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['array', ['items', 'prefixItems', 'contains', 'minItems', 'maxItems', 'uniqueItems']],
  ['object', ['properties', 'required', ...others, ...countingKeys]],
];

/** Throws SchemaFault for references that cannot be followed. */
export function shapeOf(root: object, schema: Located): Shape {
  return shapeOfAll(root, [schema], new Map());
}

/** `known`: shapes by the schemas that make them, which may lead back to themselves. */
function shapeOfAll(root: object, schemas: readonly Located[], known: Map<string, Shape>): Shape {
  const facets = facetsOf(root, schemas);
  const key = facets
    .map(({ pointer }) => pointer)
    .toSorted()
    .join('\n');
  const same = known.get(key);
  if (same !== undefined) return same;
  const types = typesOf(facets);
  const items = itemFacets(root, facets);
  const itemTypes = typesOf(items);
  const patterns = facets.flatMap((facet) => children(at(facet, 'patternProperties')));
  const membersOf = (each: readonly Located[]): Types => {
    const found = facetsOf(root, each);
    return new Set([...typesOf(found), ...typesOf(itemFacets(root, found))]);
  };
  const named = (name: string): Located[] => [
    ...facets.map((facet) => at(at(facet, 'properties'), name)),
    ...patterns,
  ];
  const names = new Set(facets.flatMap(namesOf));
  const memberTypes = new Map(Array.from(names, (name): [string, Types] => [name, membersOf(named(name))]));
  const further = [
    ...patterns,
    ...facets
      .flatMap((facet) => others.map((other) => at(facet, other)))
      .filter(({ value }) => isObject(value)),
  ];
  const speaksOfOthers =
    further.length > 0 || facets.some(({ value }) => countingKeys.some((counting) => has(value, counting)));
  const otherTypes = speaksOfOthers ? membersOf(further) : undefined;
  const shape: Shape = {
    types,
    itemTypes,
    memberTypes,
    otherTypes,
    isAmbiguous: [types, itemTypes, ...memberTypes.values(), otherTypes].some(isAmbiguous),
    member: (name) => shapeOfAll(root, names.has(name) ? named(name) : further, known),
    item: () => shapeOfAll(root, items, known),
  };
  known.set(key, shape);
  return shape;
}

/** Whether it may be a single text, number or boolean. */
export function mayBeScalar(types: Types): boolean {
  return ['string', 'number', 'integer', 'boolean'].some((type) => types.has(type));
}

function isAmbiguous(types: Types | undefined): boolean {
  if (types === undefined) return false;
  if (types.has('array') && mayBeScalar(types)) return true;
  return types.has('string') && ['number', 'integer', 'boolean'].some((type) => types.has(type));
}

/** The schemas, with those that they refer to and combine. */
function facetsOf(root: object, schemas: readonly Located[]): Located[] {
  const found = new Map<object, Located>();
  const waiting = [...schemas];
  for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
    const { value, pointer } = here;
    if (!isObject(value) || found.has(value)) continue;
    if (value !== root && '$id' in value)
      throw new SchemaFault('an $id within a document: values by this schema cannot be read', pointer);
    found.set(value, here);
    const next = referred(root, here);
    if (next !== undefined) waiting.push(next);
    for (const key of parts) waiting.push(...children(at(here, key)));
    for (const key of branches) waiting.push(at(here, key));
    waiting.push(...children(at(here, 'dependentSchemas')));
  }
  return [...found.values()];
}

function itemFacets(root: object, facets: readonly Located[]): Located[] {
  return facetsOf(
    root,
    facets.flatMap((facet) => [
      at(facet, 'items'),
      at(facet, 'contains'),
      ...children(at(facet, 'prefixItems')),
    ]),
  );
}

function typesOf(facets: readonly Located[]): Types {
  const types = new Set<string>();
  for (const { value } of facets) {
    const { type, enum: values } = value as Record<string, unknown>;
    for (const each of Array.isArray(type) ? type : [type]) if (typeof each === 'string') types.add(each);
    for (const each of Array.isArray(values) ? values : []) types.add(typeOf(each));
    if (has(value, 'const')) types.add(typeOf((value as { const: unknown }).const));
  }
  if (types.size > 0) return types;
  for (const [type, keys] of spokenOf)
    if (facets.some(({ value }) => keys.some((key) => has(value, key)))) types.add(type);
  return types;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function namesOf(facet: Located): string[] {
  const required = at(facet, 'required').value;
  return [
    ...children(at(facet, 'properties'), (key) => key),
    ...children(at(facet, 'dependentRequired'), (key) => key),
    ...(Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []),
  ];
}

function children(parent: Located): Located[];
function children<T>(parent: Located, read: (key: string) => T): T[];
function children(parent: Located, read: (key: string) => unknown = (key) => at(parent, key)): unknown[] {
  const { value } = parent;
  return typeof value === 'object' && value !== null ? Object.keys(value).map(read) : [];
}

function has(value: unknown, key: string): boolean {
  return isObject(value) && Object.hasOwn(value, key);
}
