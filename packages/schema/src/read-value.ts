/** Texts of parameters as the values that their schemas speak of (OpenAPI 3.1 section 4.8.12). */

import { at, isObject, type Located } from './located.ts';
import { resolved } from './references.ts';
import { queryText } from './request-parts.ts';

export type Types = ReadonlySet<string>;

/** What a value is made of, as far as reading it needs. */
export interface Shape {
  readonly types: Types;
  readonly itemTypes: Types;
  /** Of members that are lists those of their entries as well. */
  readonly memberTypes: ReadonlyMap<string, Types>;
}

export function shapeOf(root: object, schema: Located): Shape {
  const { value, pointer } = resolved(root, schema);
  const found = { value, pointer };
  const properties = at(found, 'properties');
  const names = isObject(properties.value) ? Object.keys(properties.value) : [];
  return {
    types: typesOf(root, schema),
    itemTypes: typesOf(root, at(found, 'items')),
    memberTypes: new Map(
      names.map((name) => {
        const member = resolved(root, at(properties, name));
        return [name, new Set([...typesOf(root, member), ...typesOf(root, at(member, 'items'))])];
      }),
    ),
  };
}

/** The types that a schema may stand for, those of what it refers to and combines among them; empty: any. */
export function typesOf(root: object, schema: Located, depth = 0): ReadonlySet<string> {
  const types = new Set<string>();
  const { value, pointer } = resolved(root, schema);
  if (!isObject(value) || depth > 8) return types;
  const { type } = value;
  for (const each of Array.isArray(type) ? type : [type]) if (typeof each === 'string') types.add(each);
  for (const key of ['allOf', 'anyOf', 'oneOf'])
    for (const [index, part] of (Array.isArray(value[key]) ? value[key] : []).entries())
      for (const each of typesOf(root, { value: part, pointer: `${pointer}/${key}/${index}` }, depth + 1))
        types.add(each);
  return types;
}

/** The number, boolean or null that a text is, where the schema speaks of one; else the text. */
export function scalar(text: string, types: ReadonlySet<string>): unknown {
  if ((types.has('number') || types.has('integer')) && /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text))
    return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (types.has('null') && text === 'null') return null;
  return text;
}

/** An object of the pairs of a query or a form, repeated ones as lists; undefined: an escape is broken, or it is no UTF-8. */
export function membersValue(
  pairs: readonly [name: string, value: string][],
  { memberTypes }: Shape,
): Record<string, unknown> | undefined {
  const lists = new Map<string, unknown[]>();
  for (const [escapedName, escaped] of pairs) {
    const name = queryText(escapedName);
    const plain = queryText(escaped);
    if (name === undefined || plain === undefined) return undefined;
    const values = lists.get(name) ?? [];
    lists.set(name, values);
    values.push(scalar(plain, memberTypes.get(name) ?? anyTypes));
  }
  const made: Record<string, unknown> = {};
  for (const [name, values] of lists) {
    const isList = values.length > 1 || memberTypes.get(name)?.has('array') === true;
    setMember(made, name, isList ? values : values[0]);
  }
  return made;
}

const anyTypes: Types = new Set();

/** Also one named `__proto__`. */
export function setMember(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
