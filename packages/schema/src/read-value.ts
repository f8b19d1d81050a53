/** Texts of parameters as the values that their schemas speak of (OpenAPI 3.1 section 4.8.12). */

import type { Finding } from './json-schema.ts';
import { numberOf } from './number-text.ts';
import { queryText } from './request-parts.ts';
import { mayBeScalar, type Shape, type Types } from './shape.ts';

const anyTypes: Types = new Set();

/** A text may be read in two ways, of which one must fit: as what else the schema speaks of, or, `asText`, as itself where it may be a text. */
export function judgeReadings(
  { isAmbiguous }: Pick<Shape, 'isAmbiguous'>,
  judge: (asText: boolean) => readonly Finding[],
): readonly Finding[] {
  const findings = judge(false);
  return findings.length > 0 && isAmbiguous && judge(true).length === 0 ? [] : findings;
}

/** The number or boolean that a text is, where the schema speaks of one; else the text. None is null. */
export function scalar(text: string, types: Types, asText: boolean): unknown {
  if (asText && types.has('string')) return text;
  if ((types.has('number') || types.has('integer')) && /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text))
    return numberOf(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** Whether what stands there once is a list all the same. */
export function isList(types: Types, asText: boolean): boolean {
  return types.has('array') && !(asText && mayBeScalar(types));
}

/** An object of the pairs of a query or a form, repeated ones as lists; undefined: an escape is broken, or it is no UTF-8. */
export function membersValue(
  pairs: readonly [name: string, value: string][],
  { memberTypes, otherTypes = anyTypes }: Shape,
  asText: boolean,
): Record<string, unknown> | undefined {
  const lists = new Map<string, string[]>();
  for (const [escapedName, escaped] of pairs) {
    const name = queryText(escapedName);
    const plain = queryText(escaped);
    if (name === undefined || plain === undefined) return undefined;
    const values = lists.get(name);
    if (values === undefined) lists.set(name, [plain]);
    else values.push(plain);
  }
  const made: Record<string, unknown> = {};
  for (const [name, texts] of lists) {
    const types = memberTypes.get(name) ?? otherTypes;
    const values = texts.map((text) => scalar(text, types, asText));
    setMember(made, name, values.length > 1 || isList(types, asText) ? values : values[0]);
  }
  return made;
}

/** Also one named `__proto__`. */
export function setMember(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
