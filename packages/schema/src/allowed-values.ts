/** `enum` at the cost of one look-up, however many scalars it allows: a list of texts may be long, and so may the enum of its entries. */

import { isDeepStrictEqual } from 'node:util';
import { _, type KeywordCxt } from 'ajv/dist/2020.js';
import { spendStep } from './budget.ts';

export const allowedValues = {
  keyword: 'enum',
  schemaType: 'array',
  error: { message: 'must be equal to one of the allowed values' },
  code: (cxt: KeywordCxt) => {
    const values = new AllowedValues(cxt.schema as readonly unknown[]);
    cxt.pass(_`${cxt.gen.scopeValue('keyword', { ref: values })}.has(${cxt.data})`);
  },
} as const;

class AllowedValues {
  readonly #scalars: ReadonlySet<unknown>;
  readonly #others: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.#scalars = new Set(values);
    this.#others = values.filter((value) => typeof value === 'object' && value !== null);
  }

  has(value: unknown): boolean {
    return this.#scalars.has(value) || (typeof value === 'object' && value !== null && this.#isOther(value));
  }

  #isOther(value: object): boolean {
    return this.#others.some((other) => {
      spendStep();
      return isDeepStrictEqual(value, other);
    });
  }
}
