import type { z } from 'zod';
import { name, object, say, sizeWithin } from '../fields.ts';
import { jsonSchemaField } from '../json-schema-field.ts';
import type { FilterKind } from './filter-kind.ts';

const validateSpec = object(
  {
    query: jsonSchemaField
      .optional()
      .describe(
        'JSON Schema (2020-12) of the query as an object. Values are numbers or booleans where the schema asks for such.',
      ),
    headers: jsonSchemaField
      .optional()
      .describe('JSON Schema of an object of the headers that it names, in any case.'),
    body: jsonSchemaField
      .optional()
      .describe('JSON Schema of the body, which must be JSON then, and be there but for GET, HEAD, DELETE.'),
    openapi: name
      .optional()
      .describe(
        'ApiSpec whose operations say what requests must be like, in place of schemas. A path or method that it does not have is refused.',
      ),
    maxBodySize: sizeWithin({ min: '1B', max: '16MiB' })
      .default('1MiB')
      .describe('A larger body that a schema speaks of gets 413.'),
  },
  'Refuses requests that do not fit a schema: 400 bad_request, with every fault and its place in the answer.',
).superRefine(({ query, headers, body, openapi }, context) => {
  const schemas = Object.entries({ query, headers, body }).filter(([, schema]) => schema !== undefined);
  if (openapi === undefined && schemas.length === 0) {
    const message = say('missing', 'judges nothing', 'write openapi, or query, headers and body');
    context.addIssue({ code: 'custom', message });
  }
  if (openapi === undefined) return;
  for (const [field] of schemas) {
    const message = say('exclusive', `${field} beside openapi`, 'write one of the two');
    context.addIssue({ code: 'custom', path: [field], message });
  }
});

export type ValidateSpec = z.output<typeof validateSpec>;

export const validateFilter: FilterKind<typeof validateSpec> = {
  key: 'validate',
  spec: validateSpec,
  phase: 'validation',
  mayRepeat: false,
  mayBeShadowed: true,
  objectFields: [{ field: 'openapi', kind: 'ApiSpec' }],
  summary: ({ query, headers, body, openapi }) => {
    const parts = Object.entries({ query, headers, body }).filter(([, schema]) => schema !== undefined);
    return `validate ${openapi ?? parts.map(([field]) => field).join(', ')}`;
  },
};
