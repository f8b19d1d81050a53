/** JSON Schema 2020-12, compiled to functions. */

import { messageOf } from '@causeway/runtime/errors';
import Ajv2020, { type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import { allowedValues } from './allowed-values.ts';
import { spendFault, spendStep, TooCostly, withinBudget } from './budget.ts';
import { formats } from './formats.ts';
import { linearRegExp } from './linear-regexp.ts';
import { isObject, type Located } from './located.ts';
import { multipleOf } from './multiple-of.ts';
import { SchemaFault } from './schema-fault.ts';
import { tellingFirst } from './telling-first.ts';
import { forgetEntries, uniqueItems } from './unique-items.ts';

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

/** A text or comment of generated code, or what is counted in it. */
const codePattern =
  /(?<comment>\/\*# sourceURL="(?:[^"\\]|\\.)*" \*\/)|"(?:[^"\\]|\\.)*"|(?<start>function validate\d+\(data, \{.*?\}=\{\}\)\{|\bfor\s*\(.*?\)\s*\{)|(?<fault>\berrors\+\+;)/g;

/**
 * Has compiled schemas count each function that is entered, each round of a loop and each fault: alternatives find some even where a
 * value is good. Comments are left out: they hold `$id`, which could end them and go on as code.
 */
function counted(code: string): string {
  let functions = 0;
  const made = code.replaceAll(codePattern, (text, ...rest) => {
    const { comment, start, fault } = rest.at(-1) as Record<string, string | undefined>;
    if (comment !== undefined) return '';
    if (fault !== undefined) return `${text}self.spendFault();`;
    if (start === undefined) return text;
    if (start.startsWith('function')) functions += 1;
    return `${text}self.spendStep();`;
  });
  if (functions === 0) throw new Error('the compiler of schemas writes other functions than it did');
  return made;
}

const options: Options = {
  // OpenAPI documents hold keywords of their own.
  strict: false,
  logger: false,
  validateFormats: true,
  formats,
  code: { regExp: linearRegExp, process: counted },
  // `constructor` is no member of every object.
  ownProperties: true,
  inlineRefs: false,
  loopRequired: 20,
  messages: true,
  verbose: false,
};

/** Schemas that may refer to each other: those of one document, which is known by its root. */
export class JsonSchemas {
  readonly #root: object;
  /** By whether they find all faults; made when first used. */
  readonly #compilers = new Map<boolean, Ajv2020.default>();

  /** `root`: of `#/...` references. */
  constructor(root: object) {
    this.#root = root;
  }

  /** The schema that stands there; where none does, any value is good. Compiled when it is first needed: a document may have thousands. */
  at(schema: Located): JsonSchema {
    const compile = (isThorough: boolean): ValidateFunction =>
      schema.value === undefined ? anything : this.#compile(schema.pointer, isThorough);
    return new JsonSchema(compile, () => this.#check(schema));
  }

  #check({ value, pointer }: Located): void {
    if (value === undefined || typeof value === 'boolean') return;
    if (!isObject(value)) throw new SchemaFault('a schema is a mapping, true or false', pointer);
    const compiler = this.#compiler(false);
    let isSchema: unknown;
    try {
      isSchema = compiler.validateSchema(value);
    } catch (error) {
      // Of a dialect that is not known.
      throw new SchemaFault(messageOf(error), pointer);
    } finally {
      forgetEntries();
    }
    if (isSchema === true) return;
    const [error] = compiler.errors ?? [];
    throw new SchemaFault(error?.message ?? 'is no schema', `${pointer}${error?.instancePath ?? ''}`);
  }

  #compiler(isThorough: boolean): Ajv2020.default {
    let compiler = this.#compilers.get(isThorough);
    if (compiler === undefined) {
      compiler = createCompiler(isThorough);
      // What is referred to is checked where it stands.
      compiler.addSchema(this.#root, rootKey, undefined, false);
      this.#compilers.set(isThorough, compiler);
    }
    return compiler;
  }

  #compile(pointer: string, isThorough: boolean): ValidateFunction {
    try {
      return this.#compiler(isThorough).compile({
        $ref: `${rootKey}#${encodeURI(pointer).replaceAll('#', '%23')}`,
      });
    } catch (error) {
      throw new SchemaFault(messageOf(error), pointer);
    }
  }
}

const anything = Object.assign(() => true, {}) as unknown as ValidateFunction;
const rootKey = 'causeway:document';

/** The dialect of OpenAPI 3.1 (section 4.8.24.2): JSON Schema with keywords that ask nothing of a value. */
const openApiDialect = {
  $id: 'https://spec.openapis.org/oas/3.1/dialect/base',
  $ref: 'https://json-schema.org/draft/2020-12/schema',
};

function createCompiler(allErrors: boolean): Ajv2020.default {
  const compiler = new Ajv2020.default({ ...options, allErrors });
  Object.assign(compiler, { spendFault, spendStep });
  compiler.addMetaSchema(openApiDialect, undefined, false);
  for (const keyword of [allowedValues, uniqueItems, multipleOf]) {
    compiler.removeKeyword(keyword.keyword);
    compiler.addKeyword(keyword);
  }
  return compiler;
}

export class JsonSchema {
  readonly #compile: (isThorough: boolean) => ValidateFunction;
  readonly #check: () => void;
  #first: ValidateFunction | undefined;
  #all: ValidateFunction | undefined;

  constructor(compile: (isThorough: boolean) => ValidateFunction, check: () => void) {
    this.#compile = compile;
    this.#check = check;
  }

  /** Throws SchemaFault for a schema that is none. */
  check(): void {
    this.#check();
    this.#first ??= this.#compile(false);
  }

  /** `bytes`: how large the value is on the wire. */
  judge(value: unknown, bytes: number): readonly Finding[] {
    this.#first ??= this.#compile(false);
    const first = run(this.#first, value, bytes);
    if (first.length === 0 || first[0] === tooDeep || first[0] === tooCostly || bytes > allFaultsBytesMax)
      return first;
    this.#all ??= this.#compile(true);
    const all = run(this.#all, value, bytes, allFaultsMax);
    return all[0] === tooCostly ? first : all;
  }
}

const tooDeep: Finding = { pointer: '', detail: 'is nested too deeply' };
const tooCostly: Finding = { pointer: '', detail: 'would take too long to be judged' };

function run(
  validate: ValidateFunction,
  value: unknown,
  bytes: number,
  faultsMax?: number,
): readonly Finding[] {
  try {
    return withinBudget(bytes, () => (validate(value) ? [] : findingsOf(validate.errors ?? [])), faultsMax);
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
  return new JsonSchemas(typeof schema === 'boolean' ? { not: !schema } : tellingFirst(schema)).at({
    value: schema,
    pointer: '',
  });
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
