/** Requests judged by a JSON Schema for each of their parts. */

import { jsonRule } from './body-rule.ts';
import { type JsonSchema, jsonSchema, type Schema } from './json-schema.ts';
import { isObject } from './located.ts';
import { judgeReadings, membersValue, scalar, setMember } from './read-value.ts';
import {
  lookalikes,
  pairsOf,
  type RequestFinding,
  type RequestParts,
  spellings,
  utf8,
} from './request-parts.ts';
import { bodilessMethods, type HeadJudgement, type RequestRules } from './request-rules.ts';
import { SchemaFault } from './schema-fault.ts';
import { type Shape, shapeOf } from './shape.ts';

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
}

interface HeadersRule extends TextsRule {
  readonly spellings: ReadonlyMap<string, string>;
}

export class InlineRules implements RequestRules {
  readonly #query: TextsRule | undefined;
  readonly #headers: HeadersRule | undefined;
  readonly #body: ReturnType<typeof jsonRule> | undefined;

  /** Throws SchemaFault for schemas by which texts cannot be read. */
  constructor({ query, headers, body }: InlineSchemas) {
    this.#query = query === undefined ? undefined : textsRule(query);
    this.#headers = headers === undefined ? undefined : headersRule(headers);
    this.#body = body === undefined ? undefined : jsonRule(jsonSchema(body));
  }

  /** Compiles all of it. Throws SchemaFault. */
  check(): void {
    for (const rule of [this.#query, this.#headers, this.#body]) rule?.schema.check();
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
  return { schema: jsonSchema(schema), shape };
}

function headersRule(schema: Schema): HeadersRule {
  const rule = textsRule(schema);
  if (rule.shape.otherTypes !== undefined)
    throw new SchemaFault('headers are judged by their names alone, not by patterns or by how many they are');
  return { ...rule, spellings: spellings([...rule.shape.memberTypes.keys()]) };
}

function judgeQuery({ schema, shape }: TextsRule, query: string | undefined): RequestFinding[] {
  const pairs = pairsOf(query);
  const findings = judgeReadings(shape, (asText) => {
    const value = membersValue(pairs, shape, asText);
    return value === undefined
      ? [{ pointer: '', detail: 'is not valid text in UTF-8' }]
      : schema.judge(value, query?.length ?? 0);
  });
  return findings.map(({ pointer, detail }) => ({ in: 'query', pointer, detail }));
}

function judgeHeaders(
  { schema, shape, spellings: names }: HeadersRule,
  request: RequestParts,
): RequestFinding[] {
  const texts = new Map<string, string>();
  let bytes = 0;
  for (const name of shape.memberTypes.keys()) {
    const field = request.requestHeader(name.toLowerCase());
    if (field === undefined) continue;
    const text = utf8(field);
    if (text === undefined) return [{ in: 'header', name, pointer: '', detail: 'is not text in UTF-8' }];
    bytes += text.length;
    texts.set(name, text);
  }
  const findings = judgeReadings(shape, (asText) => {
    const value: Record<string, unknown> = {};
    for (const [name, text] of texts)
      setMember(value, name, scalar(text, shape.memberTypes.get(name)!, asText));
    return schema.judge(value, bytes);
  });
  return [
    ...findings.map(({ pointer, detail }): RequestFinding => ({ in: 'header', pointer, detail })),
    ...lookalikes(request, names),
  ];
}
