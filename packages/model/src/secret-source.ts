import { z } from 'zod';
import { namePattern, say, shown } from './fields.ts';

/** A secret as a user writes it: the text itself, which is write-only, or where it stands in a Secret. */
export type SecretSource = string | SecretKeyReference;

/** A value of a Secret in the namespace of the object. */
export interface SecretKeyReference {
  secret: string;
  key: string;
}

/** Longest secret text, in characters. */
const secretCharactersMax = 64 * 1024;

const entryNamePattern = /^[-._a-zA-Z0-9]{1,253}$/;

/** Name of one value within a Secret. */
export const secretEntryName = z.string().regex(entryNamePattern, {
  error: (issue) =>
    say('bad_format', `${shown(issue.input)} is not a key (letters, digits, "-", "_" and ".")`),
});

// Complaints never show a value: whatever was written here was meant to be secret.
function unshown(pattern: RegExp, noun: string): z.ZodString {
  return z
    .string({
      error: (issue) =>
        issue.input === undefined ? say('missing', `required: ${noun}`) : say('wrong_type', `not ${noun}`),
    })
    .regex(pattern, { error: () => say('bad_format', `not ${noun}`) });
}

const reference = z.strictObject(
  {
    secret: unshown(namePattern, 'the name of a Secret'),
    key: unshown(entryNamePattern, 'the name of a value in it'),
  },
  {
    // What is no mapping has been told apart before.
    error: (issue) => (issue.code === 'unrecognized_keys' ? 'secret key' : undefined),
  },
);

const { $schema: _, ...referenceSchema } = z.toJSONSchema(reference);

/**
 * A `<secret>` field: a string or `{secret, key}`. Told apart by hand, because a union's complaint would be about both
 * ways at once.
 */
export function secretSource(description: string): z.ZodType<SecretSource, SecretSource> {
  return z
    .unknown()
    .superRefine((value, context) => {
      if (typeof value === 'string') {
        if (value.length > secretCharactersMax)
          context.addIssue({ code: 'custom', message: say('out_of_range', 'longer than 64KiB') });
        return;
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        const message = say('wrong_type', 'neither a string nor {secret, key}');
        context.addIssue({ code: 'custom', message });
        return;
      }
      for (const issue of reference.safeParse(value).error?.issues ?? [])
        context.addIssue(issue as Parameters<typeof context.addIssue>[0]);
    })
    .meta({ description, anyOf: [{ type: 'string' }, referenceSchema] }) as unknown as z.ZodType<
    SecretSource,
    SecretSource
  >;
}
