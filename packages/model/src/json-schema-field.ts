import { z } from 'zod';
import { say } from './fields.ts';

/** A JSON Schema that a user writes. The control plane judges it with the compiler that nodes have. */
export const jsonSchemaField = z.union([z.boolean(), z.record(z.string(), z.unknown())], {
  error: () => say('wrong_type', 'not a JSON Schema: a mapping, true or false'),
});
