/** Requests judged by a JSON Schema for each of their parts. */

import { jsonRule } from './body-rule.ts';
import { type JsonSchema, jsonSchema, type Schema } from './json-schema.ts';
import { isObject } from './located.ts';
import { membersValue, scalar, setMember, type Shape, shapeOf } from './read-value.ts';
import { pairsOf, type RequestFinding, type RequestParts, utf8 } from './request-parts.ts';
import { bodilessMethods, type HeadJudgement, type RequestRules } from './request-rules.ts';

/** Absent: any will do. */
export interface InlineSchemas {
  /** Of an object with the parameters as members; lists, where the schema speaks of one or a parameter is repeated. */
  readonly query?: Schema;
  /** Of an object with those headers that the schema names. */
  readonly headers?: Schema;
  /** Of a body in JSON. */
  readonly body?: Schema;
}

/** A schema of an object that is made of texts. */
interface TextsRule {
  readonly schema: JsonSchema;
  readonly shape: Shape;
  /** Members that it speaks of. */
  readonly names: readonly string[];
}

export class InlineRules implements RequestRules {
  readonly #query: TextsRule | undefined;
  readonly #headers: TextsRule | undefined;
  readonly #body: ReturnType<typeof jsonRule> | undefined;

  constructor({ query, headers, body }: InlineSchemas) {
    this.#query = query === undefined ? undefined : textsRule(query);
    this.#headers = headers === undefined ? undefined : textsRule(headers);
    this.#body = body === undefined ? undefined : jsonRule(jsonSchema(body));
  }

  judge(request: RequestParts): HeadJudgement {
    const findings: RequestFinding[] = [];
    if (this.#query !== undefined) findings.push(...judgeQuery(this.#query, request.query));
    if (this.#headers !== undefined) findings.push(...judgeHeaders(this.#headers, request));
    if (this.#body !== undefined && !request.hasRequestBody && !bodilessMethods.has(request.method))
      findings.push({ in: 'body', pointer: '', detail: 'is missing' });
    return { findings, body: request.hasRequestBody ? this.#body : undefined };
  }
}

function textsRule(schema: Schema): TextsRule {
  const shape = shapeOf(isObject(schema) ? schema : {}, { value: schema, pointer: '' });
  const required = isObject(schema) && Array.isArray(schema['required']) ? schema['required'] : [];
  const names = [...shape.memberTypes.keys(), ...required.filter((name) => typeof name === 'string')];
  return { schema: jsonSchema(schema), shape, names: [...new Set(names)] };
}

function judgeQuery({ schema, shape }: TextsRule, query: string | undefined): RequestFinding[] {
  const value = membersValue(pairsOf(query), shape);
  if (value === undefined) return [{ in: 'query', pointer: '', detail: 'is not valid text in UTF-8' }];
  return schema
    .judge(value, query?.length ?? 0)
    .map(({ pointer, detail }) => ({ in: 'query', pointer, detail }));
}

function judgeHeaders({ schema, shape, names }: TextsRule, request: RequestParts): RequestFinding[] {
  const value: Record<string, unknown> = {};
  let bytes = 0;
  for (const name of names) {
    const field = request.requestHeader(name.toLowerCase());
    if (field === undefined) continue;
    const text = utf8(field);
    if (text === undefined) return [{ in: 'header', name, pointer: '', detail: 'is not text in UTF-8' }];
    bytes += text.length;
    setMember(value, name, scalar(text, shape.memberTypes.get(name) ?? new Set()));
  }
  return schema.judge(value, bytes).map(({ pointer, detail }) => ({ in: 'header', pointer, detail }));
}
