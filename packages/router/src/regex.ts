// User patterns run in linear time: RE2 syntax, never the engine of the language.

import { RE2JS } from 're2js';
import type { Parsed } from './parsed.ts';
import { parsed, unparsed } from './parsed.ts';

/** The longest pattern, in UTF-16 units. */
export const regexLengthMax = 1024;

/**
 * The largest compiled pattern, in RE2 instructions. Matching costs at most this times the length of the text:
 * at the limit some 15 ms for a first text of 8 KiB, which only patterns full of counted repetition reach.
 */
export const regexProgramMax = 500;

/** Parses RE2 syntax (no back-references, no look-around). Always match with `testExact`: anchored at both ends. */
export function parseRegex(source: string): Parsed<RE2JS> {
  if (source.length > regexLengthMax)
    return unparsed(`the pattern is longer than ${regexLengthMax} characters`);
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(source);
  } catch (error) {
    // re2js throws only about the syntax here, and the pattern comes from a user: a problem, not our bug.
    return unparsed(error instanceof Error ? error.message : String(error));
  }
  const size = regex.programSize();
  if (size > regexProgramMax) {
    return unparsed(
      `the pattern compiles to ${size} instructions, over ${regexProgramMax}; use smaller repetition counts`,
    );
  }
  return parsed(regex);
}
