/** The compiler of schemas, with what could take longer than a value is long in its own place. */

import { messageOf } from '@causeway/runtime/errors';
import Ajv2020, { _, type KeywordCxt, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import { callRef } from 'ajv/dist/vocabularies/core/ref.js';
import { allowedValues } from './allowed-values.ts';
import { spendFault, spendStep } from './budget.ts';
import { discriminated } from './discriminated.ts';
import { formats } from './formats.ts';
import { linearRegExp } from './linear-regexp.ts';
import { isObject, type Located } from './located.ts';
import { loneSchema, referenceKeys } from './lone-schema.ts';
import { multipleOf } from './multiple-of.ts';
import type { Steps } from '@causeway/runtime/work-slices';
import { resolved } from './references.ts';
import { SchemaFault } from './schema-fault.ts';
import { forgetEntries, uniqueItems } from './unique-items.ts';

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

/** The schema of a place as a function, which is compiled when it is first called. */
export interface SchemaFunction {
  validate: ValidateFunction;
}

/** The schemas of a document, each compiled for itself: those that refer to each other may be thousands, in rings and long chains. */
export class SchemaCompiler {
  readonly #root: object;
  readonly #isNullable: boolean;
  readonly #allErrors: boolean;
  /** Made when first used. */
  #ajv: Ajv2020.default | undefined;
  readonly #functions = new Map<string, SchemaFunction>();
  /** Those that were referred to, and are not compiled. */
  readonly #waiting = new Map<string, Located>();

  /** `isNullable`: they are of OpenAPI 3.0. */
  constructor(root: object, isNullable: boolean, allErrors: boolean) {
    this.#root = root;
    this.#isNullable = isNullable;
    this.#allErrors = allErrors;
  }

  at(schema: Located): SchemaFunction {
    const { pointer } = schema;
    const known = this.#functions.get(pointer);
    if (known !== undefined) return known;
    const validate = ((value, context) => this.#compile(schema)(value, context)) as ValidateFunction;
    const made: SchemaFunction = { validate };
    this.#functions.set(pointer, made);
    this.#waiting.set(pointer, schema);
    return made;
  }

  /** Compiles what is referred to, and what that refers to, one at a time; `check`s each before. Throws SchemaFault. */
  *compileAll(check?: (schema: Located) => void): Steps<void> {
    for (;;) {
      const [schema] = this.#waiting.values();
      if (schema === undefined) return;
      try {
        check?.(schema);
        this.#compile(schema);
      } catch (error) {
        if (error instanceof SchemaFault) throw error;
        throw new SchemaFault(
          error instanceof RangeError ? 'is nested too deeply' : messageOf(error),
          schema.pointer,
        );
      }
      yield;
    }
  }

  #compile(schema: Located): ValidateFunction {
    const { pointer } = schema;
    // Those that lead in a circle would be followed without end.
    resolved(this.#root, schema);
    const alone = loneSchema(schema, {
      root: this.#root,
      isNullable: this.#isNullable,
      onReference: (place) => this.at(place),
    });
    const compiled = (this.#ajv ??= this.#createAjv()).compile(alone);
    this.#functions.get(pointer)!.validate = compiled;
    this.#waiting.delete(pointer);
    return compiled;
  }

  #createAjv(): Ajv2020.default {
    const ajv = createAjv({ allErrors: this.#allErrors, meta: false, validateSchema: false });
    // Hot path: it would pass anchors from function to function, and references are followed before it sees them.
    Object.assign(ajv.opts, { dynamicRef: false });
    return ajv.addKeyword({
      keyword: referenceKeys,
      schemaType: 'string',
      code: (cxt: KeywordCxt) => {
        const ref = this.#functions.get(cxt.schema as string);
        callRef(cxt, _`${cxt.gen.scopeValue('wrapper', { ref })}.validate`);
      },
    });
  }
}

/** The dialect of OpenAPI 3.1 (section 4.8.24.2): JSON Schema with keywords that ask nothing of a value. */
const openApiDialect = {
  $id: 'https://spec.openapis.org/oas/3.1/dialect/base',
  $ref: 'https://json-schema.org/draft/2020-12/schema',
};

function createAjv(more: Options): Ajv2020.default {
  const ajv = new Ajv2020.default({ ...options, ...more });
  Object.assign(ajv, { spendFault, spendStep });
  for (const keyword of [allowedValues, uniqueItems, multipleOf]) {
    ajv.removeKeyword(keyword.keyword);
    ajv.addKeyword(keyword);
  }
  ajv.addKeyword(discriminated);
  return ajv;
}

/** Judges schemas themselves; made when first used. */
let judge: Ajv2020.default | undefined;

/** Throws SchemaFault for what is no schema. */
export function checkSchema({ value, pointer }: Located): void {
  if (typeof value === 'boolean') return;
  if (!isObject(value)) throw new SchemaFault('a schema is a mapping, true or false', pointer);
  judge ??= createAjv({}).addMetaSchema(openApiDialect, undefined, false);
  let isSchema: unknown;
  try {
    isSchema = judge.validateSchema(value);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    // Of a dialect that is not known.
    throw new SchemaFault(messageOf(error), pointer);
  } finally {
    forgetEntries();
  }
  if (isSchema === true) return;
  const [error] = judge.errors ?? [];
  throw new SchemaFault(error?.message ?? 'is no schema', `${pointer}${error?.instancePath ?? ''}`);
}
