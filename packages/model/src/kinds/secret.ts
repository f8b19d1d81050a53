import { z } from 'zod';
import { object, say } from '../fields.ts';
import { secretEntryName } from '../secret-source.ts';
import { fieldOf, type Kind, writeVerbs } from './kind.ts';

/** All keys and values of one Secret together, in UTF-8 bytes. */
const secretBytesMax = 64 * 1024;

// The complaint never shows the value: whatever was written here was meant to be secret.
const secretValue = z.string({ error: () => say('wrong_type', 'not a string', 'put the value in quotes') });

export const secretSpec = object(
  {
    data: z
      .record(secretEntryName, secretValue, {
        error: () => say('wrong_type', 'not a mapping of keys to strings'),
      })
      .superRefine((data, context) => {
        const bytes = Object.entries(data)
          .flat()
          .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
        if (bytes > secretBytesMax)
          context.addIssue({
            code: 'custom',
            message: say('out_of_range', `${bytes} bytes in all, at most 64KiB`),
          });
      })
      .default({})
      .describe('Key to string, write-only: values read back as (hidden). 64KiB in all.'),
  },
  'Named secret strings.',
  () => 'this',
);

export type SecretSpec = z.output<typeof secretSpec>;

export const secretKind: Kind<typeof secretSpec> = {
  kind: 'Secret',
  plural: 'secrets',
  shortNames: ['sec'],
  namespaced: true,
  description: 'Named secret strings, write-only; other kinds refer to {secret, key}.',
  verbs: writeVerbs,
  spec: secretSpec,
  references: () => [],
  secretPaths: (spec) => Object.keys(fieldOf(spec, 'data') ?? {}).map((key) => ['data', key]),
  plannedFields: [],
};
