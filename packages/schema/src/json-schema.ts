/** JSON Schema 2020-12, compiled to functions. */

import { runAtOnce, type Steps } from '@causeway/runtime/work-slices';
import type { ErrorObject } from 'ajv/dist/2020.js';
import { TooCostly, withinBudget } from './budget.ts';
import type { Located } from './located.ts';
import { checkSchema, SchemaCompiler, type SchemaFunction } from './schema-compiler.ts';
import { tellingFirst } from './telling-first.ts';
import { forgetEntries } from './unique-items.ts';

/** What is wrong with a value. Never says what the value is: it may be a secret. */
export interface Finding {
  /** JSON Pointer into the value. */
  readonly pointer: string;
  readonly detail: string;
}

export type Schema = boolean | Readonly<Record<string, unknown>>;

/** Of larger values only the first fault is told: finding all would cost more than the value. */
const allFaultsBytesMax = 65_536;
/** Of values with more, among them those of alternatives, likewise. */
const allFaultsMax = 1000;
/** As many as an answer holds. */
export const findingsMax = 16;

/** Schemas that may refer to each other: those of one document, which is known by its root. */
export class JsonSchemas {
  readonly #first: SchemaCompiler;
  readonly #all: SchemaCompiler;

  /** `root`: of `#/...` references. `isNullable`: the schemas are those of OpenAPI 3.0. */
  constructor(root: object, isNullable = false) {
    this.#first = new SchemaCompiler(root, isNullable, false);
    this.#all = new SchemaCompiler(root, isNullable, true);
  }

  /** The schema that stands there; where none does, any value is good. */
  at({ value = true, pointer }: Located): JsonSchema {
    const schema = { value, pointer };
    return new JsonSchema(this.#first.at(schema), this.#all.at(schema), this);
  }

  /** Compiles those that were asked for, and what they refer to; else each is compiled by the first value for it. Throws SchemaFault. */
  compile(): Steps<void> {
    return this.#first.compileAll();
  }

  /** Likewise, and throws SchemaFault also for schemas that are none. */
  check(): Steps<void> {
    return this.#first.compileAll(checkSchema);
  }
}

export class JsonSchema {
  readonly #first: SchemaFunction;
  readonly #all: SchemaFunction;
  readonly #schemas: JsonSchemas;

  /** `first` and `all`: find the first fault, and all. */
  constructor(first: SchemaFunction, all: SchemaFunction, schemas: JsonSchemas) {
    this.#first = first;
    this.#all = all;
    this.#schemas = schemas;
  }

  /** Throws SchemaFault for a schema that is none, or refers to one. */
  check(): void {
    runAtOnce(this.#schemas.check());
  }

  /** `bytes`: how large the value is on the wire. */
  judge(value: unknown, bytes: number): readonly Finding[] {
    const first = run(this.#first, value, bytes);
    if (first.length === 0 || first[0] === tooDeep || first[0] === tooCostly || bytes > allFaultsBytesMax)
      return first;
    const all = run(this.#all, value, bytes, allFaultsMax);
    return all[0] === tooCostly ? first : all;
  }
}

const tooDeep: Finding = { pointer: '', detail: 'is nested too deeply' };
const tooCostly: Finding = { pointer: '', detail: 'would take too long to be judged' };

function run(schema: SchemaFunction, value: unknown, bytes: number, faultsMax?: number): readonly Finding[] {
  try {
    return withinBudget(
      bytes,
      () => (schema.validate(value) ? [] : findingsOf(schema.validate.errors ?? [])),
      faultsMax,
    );
  } catch (error) {
    if (error instanceof RangeError) return [tooDeep];
    if (error instanceof TooCostly) return [tooCostly];
    throw error;
  } finally {
    forgetEntries();
  }
}

/** A JSON Schema that stands alone, and refers to nothing but itself. */
export function jsonSchema(schema: Schema): JsonSchema {
  const root = typeof schema === 'boolean' ? { not: !schema } : runAtOnce(tellingFirst(schema));
  return new JsonSchemas(root).at({ value: root, pointer: '' });
}

function findingsOf(errors: readonly ErrorObject[]): Finding[] {
  const findings = new Map<string, Finding>();
  for (const error of errors) {
    const finding = findingOf(error);
    if (finding !== undefined) findings.set(`${finding.pointer} ${finding.detail}`, finding);
    if (findings.size === findingsMax) break;
  }
  return [...findings.values()];
}

/** Undefined for what only sums up others. */
function findingOf({ keyword, instancePath, params, message }: ErrorObject): Finding | undefined {
  const { missingProperty, additionalProperty, unevaluatedProperty, propertyName } = params as Record<
    string,
    unknown
  >;
  const extra = additionalProperty ?? unevaluatedProperty;
  if (typeof missingProperty === 'string' && keyword === 'required')
    return { pointer: instancePath + keyPointer(missingProperty), detail: 'is missing' };
  if (typeof extra === 'string')
    return { pointer: instancePath + keyPointer(extra), detail: 'is not a known member' };
  if (keyword === 'if') return undefined;
  if (keyword === 'propertyNames' && typeof propertyName === 'string')
    return { pointer: instancePath + keyPointer(propertyName), detail: 'has a name that is not allowed' };
  if (keyword === 'false schema') return { pointer: instancePath, detail: 'must not be there' };
  return { pointer: instancePath, detail: message ?? `breaks ${keyword}` };
}

function keyPointer(key: string): string {
  const shown = key.length > 64 ? `${key.slice(0, 61)}...` : key;
  return `/${shown.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
