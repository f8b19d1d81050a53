/** A parameter of an operation: reads its value out of a request and judges it (OpenAPI 3.1 section 4.8.12). */

import type { JsonSchema, JsonSchemas } from '../json-schema.ts';
import { duplicateKey } from '@causeway/runtime/duplicate-key';
import { parseJson } from '../number-text.ts';
import { SchemaFault } from '../schema-fault.ts';
import {
  cookiesOf,
  pairsOf,
  queryText,
  type RequestFinding,
  type RequestParts,
  unescaped,
  utf8,
} from '../request-parts.ts';
import { isList, judgeReadings, scalar, setMember } from '../read-value.ts';
import { mayBeScalar, type Shape, shapeOf, type Types } from '../shape.ts';
import { at, isObject, type Located } from '../located.ts';
import { resolved } from '../references.ts';

type ParameterPlace = 'path' | 'query' | 'header' | 'cookie';

const places: readonly string[] = ['path', 'query', 'header', 'cookie'] satisfies ParameterPlace[];
/** The first is the default. */
const styles: Readonly<Record<ParameterPlace, readonly string[]>> = {
  path: ['simple'],
  query: ['form', 'deepObject', 'spaceDelimited', 'pipeDelimited'],
  header: ['simple'],
  cookie: ['form'],
};
/** Headers that others describe: the standard has them ignored. */
const ignoredHeaders = new Set(['accept', 'content-type', 'authorization']);

const broken = Symbol('no text in UTF-8');
const repeated = Symbol('more values than one');
const doubled = Symbol('a key twice');
const faults: ReadonlyMap<unknown, string> = new Map([
  [broken, 'is not valid text in UTF-8'],
  [repeated, 'stands there more than once'],
  [doubled, 'has a key twice in one object'],
]);
/** A value; undefined: the request has none. */
type Read = unknown;

export class Parameter {
  readonly name: string;
  readonly place: ParameterPlace;
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
  readonly #style: string;
  readonly #explodes: boolean;
  readonly #isJson: boolean;
  readonly #shape: Shape;

  constructor(
    name: string,
    place: ParameterPlace,
    root: object,
    { value, pointer }: Located,
    schemas: JsonSchemas,
  ) {
    const fields = value as Record<string, unknown>;
    const content = isObject(fields['content']) ? Object.keys(fields['content']) : [];
    this.name = place === 'header' ? name.toLowerCase() : name;
    this.place = place;
    this.isRequired = place === 'path' || fields['required'] === true;
    this.#isJson = content.some((type) => /^application\/([^;]+\+)?json/i.test(type));
    const described =
      content.length === 0 ? { value, pointer } : at(at({ value, pointer }, 'content'), content[0]!);
    const schema = at(described, 'schema');
    this.schema = schemas.at(schema);
    this.#style = typeof fields['style'] === 'string' ? fields['style'] : styles[place][0]!;
    if (!styles[place].includes(this.#style))
      throw new SchemaFault(
        `style ${this.#style.slice(0, 40)} is not supported in ${place}`,
        `${pointer}/style`,
      );
    this.#explodes = typeof fields['explode'] === 'boolean' ? fields['explode'] : this.#style === 'form';
    this.#shape = this.#isJson ? anyShape : shapeOf(root, schema);
    const { types } = this.#shape;
    if (types.has('object') && (types.has('array') || mayBeScalar(types)))
      throw new SchemaFault('a parameter that is an object or something else cannot be read', schema.pointer);
  }

  /** Whether what stands in its place under this name is its own. */
  claims(name: string): boolean {
    if (this.#style === 'deepObject') return name.startsWith(`${this.name}[`);
    return this.#isSpread ? this.#shape.memberTypes.has(name) : name === this.name;
  }

  /** Puts what is wrong to `findings`. `captured`: what the path has in its place, escaped. `all`: of the operation. */
  judge(
    request: RequestParts,
    captured: string | undefined,
    all: readonly Parameter[],
    findings: RequestFinding[],
  ): void {
    const found = judgeReadings(this.#shape, (asText) => {
      const value = this.#read(request, captured, all, asText);
      if (value === undefined) return this.isRequired ? [{ pointer: '', detail: 'is missing' }] : [];
      const fault = faults.get(value);
      return fault === undefined ? this.schema.judge(value, 0) : [{ pointer: '', detail: fault }];
    });
    for (const { detail, pointer } of found)
      findings.push({ in: this.place, name: this.name, pointer, detail });
  }

  #read(
    request: RequestParts,
    captured: string | undefined,
    all: readonly Parameter[],
    asText: boolean,
  ): Read {
    switch (this.place) {
      case 'path':
        return captured === undefined ? undefined : this.#delimited(captured, ',', unescaped, asText);
      case 'header': {
        const text = request.requestHeader(this.name);
        return text === undefined
          ? undefined
          : this.#delimited(text.trim(), ',', (part) => utf8(part.trim()), asText);
      }
      case 'query':
        return this.#ofPairs(pairsOf(request.query), queryText, all, asText);
      case 'cookie':
        return this.#ofPairs(cookiesOf(request.requestHeader('cookie')), unescaped, all, asText);
    }
  }

  /** Its members are parameters to themselves. */
  get #isSpread(): boolean {
    return this.#shape.types.has('object') && this.#explodes;
  }

  #ofPairs(
    pairs: readonly [string, string][],
    decode: (text: string) => string | undefined,
    all: readonly Parameter[],
    asText: boolean,
  ): Read {
    const { types, itemTypes, otherTypes } = this.#shape;
    if (this.#style === 'deepObject') return this.#deepObject(pairs, decode, asText);
    if (this.#isSpread) {
      const others =
        otherTypes === undefined ? [] : all.filter((each) => each !== this && each.place === this.place);
      const own = pairs.filter(([escaped]) => {
        const name = decode(escaped) ?? '';
        return this.claims(name) || (otherTypes !== undefined && !others.some((each) => each.claims(name)));
      });
      return members(own, this.#shape, decode, asText);
    }
    const values = pairs.filter(([name]) => decode(name) === this.name).map(([, value]) => value);
    if (values.length === 0) return undefined;
    if (this.#explodes && (isList(types, asText) || (types.has('array') && values.length > 1)))
      return entriesOf(values, itemTypes, decode, asText);
    if (values.length > 1) return repeated;
    const delimiter = { spaceDelimited: /%20|\+| /, pipeDelimited: /\||%7C/i }[this.#style] ?? ',';
    return this.#delimited(values[0]!, delimiter, decode, asText);
  }

  #deepObject(
    pairs: readonly [string, string][],
    decode: (text: string) => string | undefined,
    asText: boolean,
  ): Read {
    const start = `${this.name}[`;
    const own = pairs.flatMap(([name, value]): [string, string][] => {
      const plain = decode(name);
      return plain !== undefined && plain.startsWith(start) && plain.endsWith(']')
        ? [[plain.slice(start.length, -1), value]]
        : [];
    });
    return members(own, this.#shape, decode, asText, (name) => name);
  }

  /** One value, or the entries of a list or the members of an object in one text. */
  #delimited(
    text: string,
    delimiter: string | RegExp,
    decode: (text: string) => string | undefined,
    asText: boolean,
  ): Read {
    const { types, itemTypes } = this.#shape;
    if (this.#isJson) return json(decode(text));
    if (isList(types, asText))
      return entriesOf(text === '' ? [] : text.split(delimiter), itemTypes, decode, asText);
    if (!types.has('object')) {
      const plain = decode(text);
      return plain === undefined ? broken : scalar(plain, types, asText);
    }
    const parts = text.split(delimiter);
    const pairs = this.#explodes
      ? pairsOf(parts.join('&'))
      : parts.flatMap((part, index): [string, string][] =>
          index % 2 === 0 ? [[part, parts[index + 1] ?? '']] : [],
        );
    return members(pairs, this.#shape, decode, asText);
  }
}

/** The parameters of a list of an operation or a path. Throws SchemaFault. */
export function readParameters(root: object, list: Located, schemas: JsonSchemas): Parameter[] {
  const entries = Array.isArray(list.value) ? list.value : [];
  return entries.flatMap((_entry, index) => {
    const parameter = resolved(root, at(list, String(index)));
    const name = at(parameter, 'name').value;
    const place = at(parameter, 'in').value;
    if (typeof name !== 'string' || typeof place !== 'string' || !places.includes(place))
      throw new SchemaFault(
        'a parameter needs name, and in: path, query, header or cookie',
        parameter.pointer,
      );
    if (place === 'header' && ignoredHeaders.has(name.toLowerCase())) return [];
    return [new Parameter(name, place as ParameterPlace, root, parameter, schemas)];
  });
}

const any: Types = new Set();
const anyShape: Shape = {
  types: any,
  itemTypes: any,
  memberTypes: new Map(),
  otherTypes: undefined,
  isAmbiguous: false,
};

function entriesOf(
  texts: readonly string[],
  types: Types,
  decode: (text: string) => string | undefined,
  asText: boolean,
): Read {
  const plain = texts.map(decode);
  return plain.includes(undefined) ? broken : plain.map((text) => scalar(text!, types, asText));
}

/** Undefined where there are none. */
function members(
  pairs: readonly [string, string][],
  { memberTypes, otherTypes = any }: Shape,
  decode: (text: string) => string | undefined,
  asText: boolean,
  decodeName = decode,
): Read {
  const made: Record<string, unknown> = {};
  for (const [escaped, value] of pairs) {
    const name = decodeName(escaped);
    const text = decode(value);
    if (name === undefined || text === undefined) return broken;
    if (Object.hasOwn(made, name)) return repeated;
    setMember(made, name, scalar(text, memberTypes.get(name) ?? otherTypes, asText));
  }
  return Object.keys(made).length === 0 ? undefined : made;
}

function json(text: string | undefined): Read {
  if (text === undefined) return broken;
  try {
    const value = parseJson(text);
    return duplicateKey(text) === undefined ? value : doubled;
  } catch {
    return broken;
  }
}
