/** Makes the schemas of an OpenAPI document such as requests are judged by: JSON Schema 2020-12 without what only answers need. */

import { isObject } from '../located.ts';
import { setMember } from '../read-value.ts';
import { resolved } from '../references.ts';

/** Hold data, not schemas. */
const dataKeys = new Set(['example', 'examples', 'default', 'enum', 'const']);
/** Hold schemas by names that mean nothing. */
const mapKeys = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'schemas']);

/** A copy; `isOld`: of OpenAPI 3.0, whose schemas are of another dialect. */
export function requestSchemas(root: object, isOld: boolean): object {
  const copy = (value: unknown, isMap = false): unknown => {
    if (Array.isArray(value)) return value.map((each) => copy(each));
    if (!isObject(value)) return value;
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value))
      setMember(made, key, !isMap && dataKeys.has(key) ? inner : copy(inner, !isMap && mapKeys.has(key)));
    if (isMap) return made;
    if (isOld) modernize(made);
    leaveOutReadOnly(root, made);
    return made;
  };
  return copy(root) as object;
}

/** OpenAPI 3.0: `nullable`, and exclusive bounds that are flags. */
function modernize(schema: Record<string, unknown>): void {
  if (schema['nullable'] === true && typeof schema['type'] === 'string')
    schema['type'] = [schema['type'], 'null'];
  for (const [flag, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (schema[flag] === true && typeof schema[bound] === 'number') schema[flag] = schema[bound];
    else if (typeof schema[flag] === 'boolean') delete schema[flag];
  }
}

/** What only the server writes is not required of a request. */
function leaveOutReadOnly(root: object, schema: Record<string, unknown>): void {
  const { required, properties } = schema;
  if (!Array.isArray(required) || !isObject(properties)) return;
  schema['required'] = required.filter((name) => {
    if (typeof name !== 'string' || !Object.hasOwn(properties, name)) return true;
    return !isReadOnly(root, properties[name]);
  });
}

function isReadOnly(root: object, property: unknown): boolean {
  if (!isObject(property)) return false;
  if (property['readOnly'] === true) return true;
  const { value } = resolved(root, { value: property, pointer: '' });
  return isObject(value) && value['readOnly'] === true;
}
