/** A schema as the compiler gets it: keywords that it knows, and references by the places that they lead to. */

import { discriminatedKeyword } from './discriminated.ts';
import { at, isObject, type Located } from './located.ts';
import { setMember } from './read-value.ts';
import { SchemaFault } from './schema-fault.ts';
import { target } from './references.ts';

const schemaKeys = new Set([
  'not',
  'if',
  'then',
  'else',
  'items',
  'contains',
  'propertyNames',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const listKeys = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const mapKeys = new Set(['properties', 'patternProperties', 'dependentSchemas', 'dependencies']);
const plainKeys = new Set([
  'type',
  'enum',
  'const',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minContains',
  'maxContains',
  'minProperties',
  'maxProperties',
  'required',
  'dependentRequired',
  discriminatedKeyword,
]);

/** Stand for `$ref` and `$dynamicRef`, and hold the places that they lead to. */
export const referenceKeys = ['causeway:$ref', 'causeway:$dynamicRef'];

export interface Referrers {
  readonly root: object;
  /** Schemas are those of OpenAPI 3.0, where `nullable` allows null. */
  readonly isNullable: boolean;
  /** Told of each place that a schema refers to. */
  readonly onReference: (place: Located) => void;
}

/** Throws SchemaFault for what is no schema, and for references that cannot be followed. */
export function loneSchema(schema: Located, referrers: Referrers): boolean | Record<string, unknown> {
  const { value, pointer } = schema;
  if (typeof value === 'boolean') return value;
  if (!isObject(value)) throw new SchemaFault('a schema is a mapping, true or false', pointer);
  const made: Record<string, unknown> = {};
  const each = (parent: Located): [string, unknown][] =>
    Object.keys(parent.value as object).map((key) => {
      const inner = at(parent, key);
      return [key, Array.isArray(inner.value) ? inner.value : loneSchema(inner, referrers)];
    });
  for (const key of Object.keys(value)) {
    const inner = at(schema, key);
    if (inner.value === undefined) continue;
    if (plainKeys.has(key)) made[key] = inner.value;
    else if (schemaKeys.has(key)) made[key] = loneSchema(inner, referrers);
    else if (listKeys.has(key) && Array.isArray(inner.value)) made[key] = each(inner).map(([, one]) => one);
    else if (mapKeys.has(key) && isObject(inner.value)) {
      const map: Record<string, unknown> = {};
      for (const [name, one] of each(inner)) setMember(map, name, one);
      made[key] = map;
    }
  }
  for (const key of ['$ref', '$dynamicRef']) {
    const reference = value[key];
    if (typeof reference !== 'string') continue;
    const place = target(referrers.root, reference, `${pointer}/${key}`);
    referrers.onReference(place);
    made[`causeway:${key}`] = place.pointer;
  }
  const isNull = referrers.isNullable && value['nullable'] === true && !('type' in value);
  return isNull ? { if: { type: 'null' }, else: made } : made;
}
