/** application/x-www-form-urlencoded: an object, whose members are spelled as `encoding` says (OpenAPI 3.1 section 4.8.15). */

import { type BodyRule, wrong } from '../body-rule.ts';
import type { JsonSchema } from '../json-schema.ts';
import { at, isObject, type Located } from '../located.ts';
import { setMember } from '../read-value.ts';
import { pairsOf, queryText } from '../request-parts.ts';
import { SchemaFault } from '../schema-fault.ts';
import { type Shape, shapeOf, type Types } from '../shape.ts';
import {
  delimiters,
  inTurns,
  jsonValue,
  judgeSpelled,
  misspelt,
  pathOf,
  repeated,
  SpelledValue,
  Unreadable,
} from './spelled-value.ts';

interface Field {
  readonly shape: Shape;
  readonly spelling: 'plain' | 'brackets' | 'json' | 'delimited';
  readonly delimiter: string;
}

/** `described`: the media type. Throws SchemaFault for what cannot be judged. */
export function formRule(root: object, described: Located, schema: JsonSchema): BodyRule {
  const shape = shapeOf(root, at(described, 'schema'));
  const encoding = at(described, 'encoding');
  const encoded = isObject(encoding.value) ? Object.keys(encoding.value) : [];
  const fields = new Map(
    [...shape.memberTypes.keys(), ...encoded].map((name): [string, Field] => [
      name,
      fieldOf(shape.member(name), at(encoding, name)),
    ]),
  );
  const isAmbiguous =
    shape.isAmbiguous || [...fields.values()].some(({ spelling }) => spelling === 'brackets');
  return {
    schema,
    judge: (body) => {
      const pairs = pairsOf(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'));
      const findings = judgeSpelled({ isAmbiguous }, (asText) =>
        schema.judge(valueOf(pairs, shape, fields, asText), body.length),
      );
      return findings.map(({ pointer, detail }) => wrong(detail, pointer));
    },
  };
}

function fieldOf(shape: Shape, encoding: Located): Field {
  const { style, explode, contentType } = isObject(encoding.value) ? encoding.value : {};
  if (style === undefined && explode === undefined) {
    const isJson =
      typeof contentType === 'string'
        ? /^application\/([^;,]+\+)?json\s*(;|$)/i.test(contentType)
        : isNested(shape);
    return { shape, spelling: isJson ? 'json' : 'plain', delimiter: '' };
  }
  if (style === 'deepObject') return { shape, spelling: 'brackets', delimiter: '' };
  const delimiter = delimiters[typeof style === 'string' ? style : 'form'];
  if (delimiter === undefined)
    throw new SchemaFault('a style that forms do not have', `${encoding.pointer}/style`);
  if (explode === false || (explode === undefined && style !== 'form'))
    return { shape, spelling: 'delimited', delimiter };
  if (shape.types.has('object'))
    throw new SchemaFault(
      'an object that is spread over a form cannot be judged: use style: deepObject, explode: false, or contentType: application/json',
      encoding.pointer,
    );
  return { shape, spelling: 'plain', delimiter };
}

/** Whether it is nothing but an object, or a list of such: then it is JSON unless the document says otherwise. */
function isNested({ types, itemTypes }: Shape): boolean {
  return isOnly(types, 'object') || (isOnly(types, 'array') && isOnly(itemTypes, 'object'));
}

function isOnly(types: Types, wanted: string): boolean {
  return types.has(wanted) && [...types].every((type) => type === wanted || type === 'null');
}

function valueOf(
  pairs: readonly [name: string, value: string][],
  shape: Shape,
  fields: ReadonlyMap<string, Field>,
  asText: boolean,
): Record<string, unknown> {
  const values = new Map<string, SpelledValue>();
  for (const [escapedName, escaped] of pairs) {
    const name = queryText(escapedName);
    const text = queryText(escaped);
    if (name === undefined || text === undefined) throw new Unreadable('is not a form in UTF-8');
    const end = fields.has(name) ? -1 : name.indexOf('[');
    const base = end < 0 ? undefined : fields.get(name.slice(0, end));
    if (base !== undefined && base.spelling !== 'brackets')
      throw new Unreadable(misspelt, `/${name.slice(0, end)}`);
    const member = base === undefined ? name : name.slice(0, end);
    let value = values.get(member);
    if (value === undefined) values.set(member, (value = new SpelledValue()));
    value.add(base === undefined ? [] : pathOf(name.slice(end)), text);
  }
  const made: Record<string, unknown> = {};
  for (const [name, value] of values) {
    const field = fields.get(name) ?? { shape: shape.member(name), spelling: 'plain', delimiter: '' };
    setMember(made, name, read(value, field, asText, `/${name}`));
  }
  return made;
}

function read(
  value: SpelledValue,
  { shape, spelling, delimiter }: Field,
  asText: boolean,
  pointer: string,
): unknown {
  const { texts } = value;
  switch (spelling) {
    case 'plain':
    case 'brackets':
      return value.read(shape, asText, pointer);
    case 'json': {
      const parsed = texts.map((text) => jsonValue(text, pointer));
      const isEntry = shape.types.has('array') && !Array.isArray(parsed[0]);
      return texts.length > 1 || isEntry ? parsed : parsed[0];
    }
    case 'delimited': {
      if (texts.length > 1) throw new Unreadable(repeated, pointer);
      const [text = ''] = texts;
      const parts = text === '' ? [] : text.split(delimiter);
      const isObjectLike = shape.types.has('object');
      if (!isObjectLike && !shape.types.has('array')) return value.read(shape, asText, pointer);
      const made = new SpelledValue();
      if (isObjectLike) for (const [name, part] of inTurns(parts)) made.add([name], part);
      else for (const part of parts) made.add([''], part);
      return made.isThere ? made.read(shape, asText, pointer) : isObjectLike ? {} : [];
    }
  }
}
