/** Values that names with brackets spell, such as `filter[tags][]=a`, as qs, PHP and Rails write and read them. */

import { duplicateKey } from '@causeway/runtime/duplicate-key';
import type { Finding } from '../json-schema.ts';
import { parseJson } from '../number-text.ts';
import { isList, judgeReadings, scalar, setMember } from '../read-value.ts';
import { SchemaFault } from '../schema-fault.ts';
import { mayBeScalar, type Shape } from '../shape.ts';

/** No value, or one that could be read in several ways. */
export class Unreadable extends Error {
  readonly pointer: string;

  constructor(detail: string, pointer = '') {
    super(detail);
    this.pointer = pointer;
  }
}

export const misspelt = 'is spelled with brackets otherwise than the document has it';
export const repeated = 'stands there more than once';
/** Between the entries of a list that is one text. */
export const delimiters: Readonly<Record<string, string>> = {
  form: ',',
  spaceDelimited: ' ',
  pipeDelimited: '|',
};

const depthMax = 16;

/** `judgeReadings` of what may be unreadable. */
export function judgeSpelled(
  shape: Pick<Shape, 'isAmbiguous'>,
  judge: (asText: boolean) => readonly Finding[],
): readonly Finding[] {
  return judgeReadings(shape, (asText) => {
    try {
      return judge(asText);
    } catch (error) {
      if (error instanceof Unreadable) return [{ pointer: error.pointer, detail: error.message }];
      if (error instanceof SchemaFault) return [{ pointer: '', detail: 'cannot be read by its schema' }];
      throw error;
    }
  });
}

/** What stands in the brackets behind a name. */
export function pathOf(brackets: string): string[] {
  if (!/^(?:\[[^[\]]*\])*$/.test(brackets)) throw new Unreadable(misspelt);
  const path = brackets.slice(1, -1).split('][');
  if (path.length > depthMax) throw new Unreadable('is nested too deeply');
  return brackets === '' ? [] : path;
}

/** Names and values that take turns. */
export function inTurns(parts: readonly string[]): [string, string][] {
  return parts.flatMap((part, index): [string, string][] =>
    index % 2 === 0 ? [[part, parts[index + 1] ?? '']] : [],
  );
}

export function jsonValue(text: string, pointer = ''): unknown {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw new Unreadable('is not JSON', pointer);
  }
  if (duplicateKey(text) !== undefined) throw new Unreadable('has a key twice in one object', pointer);
  return value;
}

export class SpelledValue {
  readonly texts: string[] = [];
  readonly #members = new Map<string, SpelledValue>();

  get isThere(): boolean {
    return this.texts.length > 0 || this.#members.size > 0;
  }

  /** `path`: names of members in members; an empty one: of entries of a list. */
  add([name, ...rest]: readonly string[], text: string): void {
    if (name === undefined) {
      this.texts.push(text);
      return;
    }
    let member = this.#members.get(name);
    if (member === undefined) this.#members.set(name, (member = new SpelledValue()));
    member.add(rest, text);
  }

  /** Throws Unreadable, and SchemaFault for a schema that cannot be followed. */
  read(shape: Shape, asText: boolean, pointer = ''): unknown {
    if (this.#members.size === 0) return this.#scalars(shape, asText, pointer);
    if (this.texts.length > 0) throw new Unreadable('is both a value and members', pointer);
    const { types } = shape;
    if (types.size > 0 && !types.has('object') && !types.has('array'))
      throw new Unreadable(misspelt, pointer);
    return this.#isList(shape) ? this.#list(shape, asText, pointer) : this.#object(shape, asText, pointer);
  }

  #scalars({ types, itemTypes }: Shape, asText: boolean, pointer: string): unknown {
    const { texts } = this;
    const mayRepeat = types.has('array') || types.size === 0;
    if (isList(types, asText) || (mayRepeat && texts.length > 1))
      return texts.map((text) => scalar(text, itemTypes, asText));
    if (texts.length > 1) throw new Unreadable(repeated, pointer);
    // A schema may ask for an object without saying so.
    if (types.has('object') && !mayBeScalar(types)) throw new Unreadable('must be object', pointer);
    return scalar(texts[0]!, types, asText);
  }

  #isList({ types }: Shape): boolean {
    if (types.has('array') && !types.has('object')) return true;
    return (
      (types.has('array') || types.size === 0) && [...this.#members.keys()].every((key) => /^\d*$/.test(key))
    );
  }

  #list(shape: Shape, asText: boolean, pointer: string): unknown {
    const entries = [...this.#members];
    const [name, first] = entries[0]!;
    if (name === '' && entries.length === 1 && first.#members.size === 0)
      return first.texts.map((text) => scalar(text, shape.itemTypes, asText));
    return entries.map(([key, entry], index) => {
      if (key !== String(index)) throw new Unreadable('has entries that are not numbered from 0 on', pointer);
      return entry.read(shape.item(), asText, `${pointer}/${index}`);
    });
  }

  #object(shape: Shape, asText: boolean, pointer: string): unknown {
    const made: Record<string, unknown> = {};
    for (const [name, member] of this.#members) {
      if (name === '') throw new Unreadable('has a member without a name', pointer);
      const place = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      setMember(made, name, member.read(shape.member(name), asText, place));
    }
    return made;
  }
}
