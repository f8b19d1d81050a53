/** A parameter of an operation: reads its value out of a request and judges it (OpenAPI 3.1 section 4.8.12). */

import type { JsonSchema, JsonSchemas } from '../json-schema.ts';
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
import { scalar, setMember, type Shape, shapeOf, type Types } from '../read-value.ts';
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
    this.#shape = shapeOf(root, schema);
  }

  /** Puts what is wrong to `findings`. `captured`: what the path has in its place, escaped. */
  judge(request: RequestParts, captured: string | undefined, findings: RequestFinding[]): void {
    const value = this.#read(request, captured);
    const add = (detail: string, pointer = ''): void =>
      void findings.push({ in: this.place, name: this.name, pointer, detail });
    if (value === undefined) {
      if (this.isRequired) add('is missing');
    } else if (value === broken) add('is not valid text in UTF-8');
    else if (value === repeated) add('stands there more than once');
    else for (const { detail, pointer } of this.schema.judge(value, 0)) add(detail, pointer);
  }

  #read(request: RequestParts, captured: string | undefined): Read {
    switch (this.place) {
      case 'path':
        return captured === undefined ? undefined : this.#delimited(captured, ',', unescaped);
      case 'header': {
        const text = request.requestHeader(this.name);
        return text === undefined
          ? undefined
          : this.#delimited(text.trim(), ',', (part) => utf8(part.trim()));
      }
      case 'query':
        return this.#ofPairs(pairsOf(request.query), queryText);
      case 'cookie':
        return this.#ofPairs(cookiesOf(request.requestHeader('cookie')), unescaped);
    }
  }

  #ofPairs(pairs: readonly [string, string][], decode: (text: string) => string | undefined): Read {
    const { types, memberTypes } = this.#shape;
    if (this.#style === 'deepObject') return this.#deepObject(pairs, decode);
    if (types.has('object') && this.#explodes && !this.#isJson)
      return members(
        pairs.filter(([name]) => memberTypes.has(decode(name) ?? '')),
        memberTypes,
        decode,
      );
    const values = pairs.filter(([name]) => decode(name) === this.name).map(([, value]) => value);
    if (values.length === 0) return undefined;
    if (types.has('array') && this.#explodes && !this.#isJson)
      return entriesOf(values, this.#shape.itemTypes, decode);
    if (values.length > 1) return repeated;
    const delimiter = { spaceDelimited: /%20|\+| /, pipeDelimited: /\||%7C/i }[this.#style] ?? ',';
    return this.#delimited(values[0]!, delimiter, decode);
  }

  #deepObject(pairs: readonly [string, string][], decode: (text: string) => string | undefined): Read {
    const start = `${this.name}[`;
    const own = pairs.flatMap(([name, value]): [string, string][] => {
      const plain = decode(name);
      return plain !== undefined && plain.startsWith(start) && plain.endsWith(']')
        ? [[plain.slice(start.length, -1), value]]
        : [];
    });
    return members(own, this.#shape.memberTypes, decode, (name) => name);
  }

  /** One value, or the entries of a list or the members of an object in one text. */
  #delimited(text: string, delimiter: string | RegExp, decode: (text: string) => string | undefined): Read {
    const { types, itemTypes, memberTypes } = this.#shape;
    if (this.#isJson) return json(decode(text));
    if (types.has('array')) return entriesOf(text === '' ? [] : text.split(delimiter), itemTypes, decode);
    if (!types.has('object')) {
      const plain = decode(text);
      return plain === undefined ? broken : scalar(plain, types);
    }
    const parts = text.split(delimiter);
    const pairs = this.#explodes
      ? pairsOf(parts.join('&'))
      : parts.flatMap((part, index): [string, string][] =>
          index % 2 === 0 ? [[part, parts[index + 1] ?? '']] : [],
        );
    return members(pairs, memberTypes, decode);
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

function entriesOf(
  texts: readonly string[],
  types: Types,
  decode: (text: string) => string | undefined,
): Read {
  const plain = texts.map(decode);
  return plain.includes(undefined) ? broken : plain.map((text) => scalar(text!, types));
}

/** Undefined where there are none. */
function members(
  pairs: readonly [string, string][],
  types: ReadonlyMap<string, Types>,
  decode: (text: string) => string | undefined,
  decodeName = decode,
): Read {
  const made: Record<string, unknown> = {};
  for (const [escaped, value] of pairs) {
    const name = decodeName(escaped);
    const text = decode(value);
    if (name === undefined || text === undefined) return broken;
    if (Object.hasOwn(made, name)) return repeated;
    const read = scalar(text, types.get(name) ?? any);
    setMember(made, name, read);
  }
  return Object.keys(made).length === 0 ? undefined : made;
}

function json(text: string | undefined): Read {
  try {
    return text === undefined ? broken : (JSON.parse(text) as unknown);
  } catch {
    return broken;
  }
}
