/** A keyword of our own: an object must say which of several kinds it is. What holds for each kind stands beside it. */

import { _, type CodeKeywordDefinition, str } from 'ajv/dist/2020.js';

/** Its name is none that a document would use. */
export const discriminatedKeyword = 'causeway:discriminated';

export interface Discriminated {
  readonly propertyName: string;
  readonly known: readonly string[];
}

const toldMax = 256;

export const discriminated: CodeKeywordDefinition = {
  keyword: discriminatedKeyword,
  type: 'object',
  schemaType: 'object',
  error: { message: ({ schema }) => str`must say which it is: ${told(schema as Discriminated)}` },
  code: (cxt) => {
    const { propertyName, known } = cxt.schema as Discriminated;
    const { gen, data, it } = cxt;
    const values = gen.scopeValue('keyword', { ref: new Set<unknown>(known) });
    const name = gen.const('name', _`${propertyName}`);
    gen.if(_`!(Object.hasOwn(${data}, ${name}) && ${values}.has(${data}[${name}]))`);
    cxt.error(false, {}, { instancePath: name });
    if (it.allErrors === true) gen.endIf();
    else gen.else();
  },
};

function told({ known }: Discriminated): string {
  return known.join(', ').slice(0, toldMax);
}
