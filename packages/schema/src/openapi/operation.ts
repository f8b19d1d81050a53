/** What an operation demands of its requests. */

import type { JsonSchema, JsonSchemas } from '../json-schema.ts';
import { type BodyRule, jsonRule } from '../body-rule.ts';
import {
  lookalikes,
  pairsOf,
  queryText,
  type RequestFinding,
  type RequestParts,
  spellings,
} from '../request-parts.ts';
import type { HeadJudgement } from '../request-rules.ts';
import { formRule } from './form.ts';
import { type Parameter, readParameters } from './parameter.ts';
import { misspelt } from './spelled-value.ts';
import { at, isObject, type Located } from '../located.ts';
import { resolved } from '../references.ts';

const formSubtype = 'x-www-form-urlencoded';

/** A media type of a body, `*` for any, and what holds for it, by what the client says that it is. */
interface Content {
  readonly type: string;
  readonly subtype: string;
  readonly schema: JsonSchema;
  readonly json: BodyRule;
  /** Undefined: it takes no forms. */
  readonly form: BodyRule | undefined;
}

export class Operation {
  readonly #parameters: readonly Parameter[];
  /** Of its headers. */
  readonly #spellings: ReadonlyMap<string, string>;
  readonly #contents: readonly Content[];
  readonly #isBodyRequired: boolean;
  readonly #takesBody: boolean;

  /** `shared`: the path item, whose parameters hold for all of its operations. Throws SchemaFault. */
  constructor(root: object, shared: Located, operation: Located, schemas: JsonSchemas) {
    const own = readParameters(root, at(operation, 'parameters'), schemas);
    const others = readParameters(root, at(shared, 'parameters'), schemas).filter(
      ({ name, place }) => !own.some((each) => each.name === name && each.place === place),
    );
    this.#parameters = [...own, ...others];
    this.#spellings = spellings(
      this.#parameters.flatMap(({ place, name }) => (place === 'header' ? [name] : [])),
    );
    const body = resolved(root, at(operation, 'requestBody'));
    const content = at(body, 'content');
    this.#takesBody = isObject(body.value);
    this.#isBodyRequired = at(body, 'required').value === true;
    const types = isObject(content.value) ? Object.keys(content.value) : [];
    this.#contents = types.map((type) => readContent(root, type, at(content, type), schemas));
  }

  /** `captures`: by name, what stands in the path, escaped. */
  judge(request: RequestParts, captures: ReadonlyMap<string, string>): HeadJudgement {
    const findings: RequestFinding[] = [];
    for (const parameter of this.#parameters)
      parameter.judge(request, captures.get(parameter.name), this.#parameters, findings);
    findings.push(...lookalikes(request, this.#spellings), ...this.#misspelt(request.query));
    if (!request.hasRequestBody) {
      if (this.#isBodyRequired) findings.push({ in: 'body', pointer: '', detail: 'is missing' });
      return { findings, body: undefined };
    }
    if (!this.#takesBody)
      findings.push({ in: 'body', pointer: '', detail: 'is not expected: this operation takes none' });
    if (this.#contents.length === 0) return { findings, body: undefined };
    const [, type = '', subtype = ''] =
      /^([^/;\s]+)\/([^/;\s,]+)\s*(?:;|$)/.exec(
        (request.requestHeader('content-type') ?? '').toLowerCase(),
      ) ?? [];
    const content = type === '' ? undefined : this.#contentFor(type, subtype);
    if (content === undefined) {
      const detail = `is none of ${this.#listed()}`;
      findings.push({ in: 'header', name: 'content-type', pointer: '', detail });
    }
    return { findings, body: content === undefined ? undefined : ruleOf(content, type, subtype) };
  }

  /** Names with brackets, of parameters that take none: many applications read `id[]` as `id`. */
  #misspelt(query: string | undefined): RequestFinding[] {
    if (query === undefined || !/\[|%5b/i.test(query)) return [];
    const parameters = this.#parameters.filter(({ place }) => place === 'query');
    return pairsOf(query).flatMap(([escaped]): RequestFinding[] => {
      const name = queryText(escaped) ?? '';
      const end = name.indexOf('[');
      if (end < 1 || parameters.some((each) => each.claims(name))) return [];
      const meant = parameters.find((each) => each.claims(name.slice(0, end)));
      return meant === undefined ? [] : [{ in: 'query', name: meant.name, pointer: '', detail: misspelt }];
    });
  }

  /** The most particular range counts (OpenAPI 3.1 section 4.8.13). */
  #contentFor(type: string, subtype: string): Content | undefined {
    return this.#contents
      .filter(
        (each) =>
          (each.type === '*' || each.type === type) && (each.subtype === '*' || each.subtype === subtype),
      )
      .toSorted((left, right) => stars(left) - stars(right))[0];
  }

  #listed(): string {
    return this.#contents
      .map(({ type, subtype }) => `${type}/${subtype}`)
      .join(', ')
      .slice(0, 256);
  }
}

function stars({ type, subtype }: Content): number {
  return (type === '*' ? 1 : 0) + (subtype === '*' ? 1 : 0);
}

function readContent(root: object, mediaType: string, described: Located, schemas: JsonSchemas): Content {
  const [type = '*', subtype = '*'] = mediaType
    .toLowerCase()
    .replace(/\s*;.*$/s, '')
    .split('/');
  const schema = at(described, 'schema');
  const checked = schemas.at(schema);
  const takesForms = ['application', '*'].includes(type) && [formSubtype, '*'].includes(subtype);
  return {
    type,
    subtype,
    schema: checked,
    json: jsonRule(checked),
    form: takesForms ? formRule(root, described, checked) : undefined,
  };
}

/** Undefined: nothing but the type is known of it. */
function ruleOf({ json, form }: Content, type: string, subtype: string): BodyRule | undefined {
  if (isJson(type, subtype)) return json;
  return type === 'application' && subtype === formSubtype ? form : undefined;
}

function isJson(type: string, subtype: string): boolean {
  return subtype.endsWith('+json') || (type === 'application' && subtype === 'json');
}
