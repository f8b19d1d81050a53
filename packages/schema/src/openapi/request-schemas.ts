/** Makes the schemas of an OpenAPI document such as requests are judged by: JSON Schema 2020-12 without what only answers need. */

import type { Steps } from '@causeway/runtime/work-slices';
import { at, isObject, slicedLevels } from '../located.ts';
import { setMember } from '../read-value.ts';
import { dataKeys, mapKeys, referred } from '../references.ts';

/** Hold schemas of the same value. */
const combinations = new Set(['allOf', 'anyOf', 'oneOf']);

/** A copy; `isOld`: of OpenAPI 3.0, whose schemas are of another dialect. */
export function* requestSchemas(root: object, isOld: boolean): Steps<object> {
  /** `around`: the schemas that combine this one with others. */
  const copy = (value: unknown, isMap = false, around: readonly Record<string, unknown>[] = []): unknown => {
    if (Array.isArray(value)) return value.map((each) => copy(each, false, around));
    if (!isObject(value)) return value;
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      const combined = !isMap && combinations.has(key) ? [...around, value] : [];
      setMember(made, key, isData(key, isMap) ? inner : copy(inner, !isMap && mapKeys.has(key), combined));
    }
    return isMap ? made : finished(made, [...around, value]);
  };
  function* sliced(value: unknown, isMap: boolean, levels: number): Steps<unknown> {
    if (levels === 0 || !isObject(value)) {
      yield;
      return copy(value, isMap);
    }
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      const isInnerMap = !isMap && mapKeys.has(key);
      setMember(made, key, isData(key, isMap) ? inner : yield* sliced(inner, isInnerMap, levels - 1));
    }
    return isMap ? made : finished(made, [value]);
  }
  const finished = (
    made: Record<string, unknown>,
    schemas: readonly Record<string, unknown>[],
  ): Record<string, unknown> => {
    if (isOld) modernize(made);
    leaveOutReadOnly(root, made, schemas);
    return made;
  };
  return (yield* sliced(root, false, slicedLevels)) as object;
}

function isData(key: string, isMap: boolean): boolean {
  return !isMap && dataKeys.has(key);
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

/** What only the server writes is not required of a request. `schemas`: those of the value that requires it. */
function leaveOutReadOnly(
  root: object,
  schema: Record<string, unknown>,
  schemas: readonly Record<string, unknown>[],
): void {
  const { required } = schema;
  if (!Array.isArray(required) || required.length === 0) return;
  const found = new Set<object>();
  for (const each of schemas) addParts(root, each, found);
  const isLeftOut = (name: unknown): boolean =>
    [...found].some((each) => {
      const property = at(at({ value: each, pointer: '' }, 'properties'), String(name)).value;
      return property !== undefined && isReadOnly(root, property);
    });
  schema['required'] = required.filter((name) => !isLeftOut(name));
}

function isReadOnly(root: object, property: unknown): boolean {
  const found = new Set<object>();
  addParts(root, property, found);
  return [...found].some((each) => 'readOnly' in each && each.readOnly === true);
}

/** With what it refers to and is made of, all of which holds for its values. */
function addParts(root: object, schema: unknown, found: Set<object>): void {
  const waiting = [schema];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (!isObject(value) || found.has(value)) continue;
    found.add(value);
    waiting.push(target(root, value));
    if (Array.isArray(value['allOf'])) waiting.push(...value['allOf']);
  }
}

/** A reference that cannot be followed is told where its schema is compiled, with its place. */
function target(root: object, schema: object): unknown {
  try {
    return referred(root, { value: schema, pointer: '' })?.value;
  } catch {
    return undefined;
  }
}
