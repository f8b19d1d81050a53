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
import { isList, scalar } from '../read-value.ts';
import {
  jsonValue,
  delimiters,
  inTurns,
  judgeSpelled,
  pathOf,
  repeated,
  SpelledValue,
  Unreadable,
} from './spelled-value.ts';
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

/** There, and with no value, which the document allows. */
const empty = Symbol('an empty value');

export class Parameter {
  readonly name: string;
  readonly place: ParameterPlace;
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
  readonly #style: string;
  readonly #explodes: boolean;
  readonly #isJson: boolean;
  readonly #allowsEmpty: boolean;
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
    this.#allowsEmpty = place === 'query' && fields['allowEmptyValue'] === true;
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
    if (this.#style !== 'deepObject' && types.has('object') && (types.has('array') || mayBeScalar(types)))
      throw new SchemaFault('a parameter that is an object or something else cannot be read', schema.pointer);
  }

  /** Whether what stands in its place under this name is its own. */
  claims(name: string): boolean {
    if (this.#style === 'deepObject') return name === this.name || name.startsWith(`${this.name}[`);
    return this.#isSpread ? this.#shape.memberTypes.has(name) : name === this.name;
  }

  /** Puts what is wrong to `findings`. `captured`: what the path has in its place, escaped. `all`: of the operation. */
  judge(
    request: RequestParts,
    captured: string | undefined,
    all: readonly Parameter[],
    findings: RequestFinding[],
  ): void {
    const isAmbiguous = this.#shape.isAmbiguous || this.#style === 'deepObject';
    const found = judgeSpelled({ isAmbiguous }, (asText) => {
      const value = this.#read(request, captured, all, asText);
      if (value === undefined) return this.isRequired ? [{ pointer: '', detail: 'is missing' }] : [];
      return value === empty ? [] : this.schema.judge(value, 0);
    });
    for (const { detail, pointer } of found)
      findings.push({ in: this.place, name: this.name, pointer, detail });
  }

  #read(
    request: RequestParts,
    captured: string | undefined,
    all: readonly Parameter[],
    asText: boolean,
  ): unknown {
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
    decode: Decode,
    all: readonly Parameter[],
    asText: boolean,
  ): unknown {
    const { types, itemTypes, otherTypes } = this.#shape;
    const fellows = all.filter((each) => each !== this && each.place === this.place);
    const isOthers = (name: string): boolean => fellows.some((each) => each.claims(name));
    if (this.#style === 'deepObject') return this.#deepObject(pairs, decode, isOthers, asText);
    if (this.#isSpread) {
      const own = pairs.filter(([escaped]) => {
        const name = decode(escaped) ?? '';
        return this.claims(name) || (otherTypes !== undefined && !isOthers(name));
      });
      return members(own, this.#shape, decode, asText);
    }
    const values = pairs.filter(([name]) => decode(name) === this.name).map(([, value]) => value);
    if (values.length === 0) return undefined;
    if (this.#allowsEmpty && values.length === 1 && values[0] === '') return empty;
    if (this.#explodes && (isList(types, asText) || (types.has('array') && values.length > 1)))
      return entriesOf(values, itemTypes, decode, asText);
    if (values.length > 1) throw new Unreadable(repeated);
    // Without its escapes first: many clients escape commas, and most applications look for them afterwards.
    return this.#delimited(decoded(values[0]!, decode), delimiters[this.#style] ?? ',', plain, asText);
  }

  #deepObject(
    pairs: readonly [string, string][],
    decode: Decode,
    isOthers: (name: string) => boolean,
    asText: boolean,
  ): unknown {
    const value = new SpelledValue();
    for (const [escaped, text] of pairs) {
      const name = decode(escaped) ?? '';
      if (this.claims(name) && !isOthers(name))
        value.add(pathOf(name.slice(this.name.length)), decoded(text, decode));
    }
    return value.isThere ? value.read(this.#shape, asText) : undefined;
  }

  /** One value, or the entries of a list or the members of an object in one text. */
  #delimited(text: string, delimiter: string, decode: Decode, asText: boolean): unknown {
    const { types, itemTypes } = this.#shape;
    if (this.#isJson) return jsonValue(decoded(text, decode));
    if (isList(types, asText))
      return entriesOf(text === '' ? [] : text.split(delimiter), itemTypes, decode, asText);
    if (!types.has('object')) return scalar(decoded(text, decode), types, asText);
    const parts = text.split(delimiter);
    return members(this.#explodes ? pairsOf(parts.join('&')) : inTurns(parts), this.#shape, decode, asText);
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
  member: () => anyShape,
  item: () => anyShape,
};

/** A text without its escapes; undefined: they are broken, or it is no UTF-8. */
type Decode = (text: string) => string | undefined;

const plain: Decode = (text) => text;

function decoded(text: string, decode: Decode): string {
  const made = decode(text);
  if (made === undefined) throw new Unreadable('is not valid text in UTF-8');
  return made;
}

function entriesOf(texts: readonly string[], types: Types, decode: Decode, asText: boolean): unknown {
  return texts.map((text) => scalar(decoded(text, decode), types, asText));
}

/** Undefined where there are none. */
function members(pairs: readonly [string, string][], shape: Shape, decode: Decode, asText: boolean): unknown {
  const value = new SpelledValue();
  for (const [name, text] of pairs) value.add([decoded(name, decode)], decoded(text, decode));
  return value.isThere ? value.read(shape, asText) : undefined;
}
