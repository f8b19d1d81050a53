/**
 * A problem is bad input described as data: validation returns all of them, sorted, and never throws. The codes are a
 * closed list; adding one is a minor change, renaming one a major change.
 */
export const problemCodes = [
  'unknown_field',
  'wrong_type',
  'bad_format',
  'out_of_range',
  'missing',
  'not_allowed_here',
  'exclusive',
  'duplicate',
  'unknown_reference',
  'referenced',
  'conflict',
  'immutable',
  'forbidden_address',
  'not_granted',
] as const;

export type ProblemCode = (typeof problemCodes)[number];

export interface Problem {
  code: ProblemCode;
  /** RFC 6901 JSON pointer into the document; '' is the whole document. */
  pointer: string;
  /** What is wrong, as the end of a sentence that begins with the pointer. */
  detail: string;
  /** How to mend it. */
  hint?: string;
}

/** RFC 6901 pointer of a path of keys and indexes. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Keys of an RFC 6901 pointer; the inverse of {@link pointerOf} except that indexes come back as strings. */
export function pathOf(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** One for all comparisons: making a collator costs far more than using it. */
const collator = new Intl.Collator('en', { numeric: true });

/** Total order of problems: by pointer with numbers compared as numbers, then by code. */
export function compareProblems(
  a: { pointer: string; code: string },
  b: { pointer: string; code: string },
): number {
  return collator.compare(a.pointer, b.pointer) || collator.compare(a.code, b.code);
}
