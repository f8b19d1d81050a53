/** Changes JSON bodies, both ways. */

import type { TemplatePart } from '@causeway/model/template';

import { byteText } from '../byte-string.ts';
import { fieldValue, listValue, removeField, setField } from '../fields.ts';
import type { Filter, FilterExchange, Refusal, Verdict } from '../filter.ts';
import { expandWhole, prepareTemplate, type Template, variablesOf } from '../template.ts';
import { applyJsonOp, type JsonOp } from './apply-json-op.ts';
import { isJsonType, isPlain, parseExactJson, writeJson } from './exact-json.ts';

/** A change, and what it puts in: `texts` stand at their places in `value`. */
export interface JsonChange extends JsonOp {
  /** JSON; undefined of changes that take none. */
  readonly value: string | undefined;
  readonly texts: readonly { readonly at: readonly string[]; readonly text: readonly TemplatePart[] }[];
}

export interface TransformJsonSettings {
  readonly request: readonly JsonChange[];
  readonly response: readonly JsonChange[];
  readonly bodyBytesMax: number;
}

interface Prepared {
  readonly change: JsonChange;
  readonly texts: readonly { readonly at: readonly string[]; readonly text: Template }[];
}

const refused = (reason: Refusal['reason'], detail: string): Refusal => ({ kind: 'refusal', reason, detail });

/** Of the whole body, which is another one then (RFC 9530, RFC 1864). */
const digests = ['content-digest', 'repr-digest', 'digest', 'content-md5'];

export function createTransformJsonFilter(name: string, settings: TransformJsonSettings): Filter {
  const request = settings.request.map(prepared);
  const response = settings.response.map(prepared);
  const { bodyBytesMax } = settings;
  return {
    kind: 'transformJson',
    name,
    sources: [...request, ...response].flatMap(({ texts }) => texts.flatMap(({ text }) => variablesOf(text))),
    onRequestHead: (exchange) => {
      // What an upstream compresses or cuts cannot be changed.
      if (response.length > 0) for (const each of unwanted) removeField(exchange.upstreamFields, each);
      if (request.length === 0 || !exchange.hasRequestBody) return undefined;
      return isJsonType(fieldValue(exchange.upstreamFields, 'content-type'))
        ? changeRequest(exchange, request, bodyBytesMax)
        : undefined;
    },
    ...(response.length > 0 && {
      onResponseHead: (exchange: FilterExchange) =>
        isJsonType(fieldValue(exchange.responseFields, 'content-type'))
          ? changeResponse(exchange, response, bodyBytesMax)
          : undefined,
    }),
  };
}

const unwanted = ['accept-encoding', 'range', 'if-range'];

async function changeRequest(
  exchange: FilterExchange,
  changes: readonly Prepared[],
  bytesMax: number,
): Promise<Verdict> {
  if (!isPlain(listValue(exchange.upstreamFields, 'content-encoding')))
    return refused('bad_request', 'The body must not be encoded: it is changed on its way.');
  const body = await exchange.readRequestBody(bytesMax);
  if (body === 'tooLarge') return { kind: 'refusal', reason: 'payload_too_large' };
  if (body === 'noRoom') return { kind: 'refusal', reason: 'overloaded' };
  if (body.length === 0) return undefined;
  const changed = changedBody(body, changes, exchange);
  if (changed === undefined) return refused('bad_request', 'The body is not JSON.');
  exchange.replaceRequestBody(changed);
  for (const each of digests) removeField(exchange.upstreamFields, each);
  return undefined;
}

/** What could not be changed does not reach the client: something may have been to be taken out. */
async function changeResponse(
  exchange: FilterExchange,
  changes: readonly Prepared[],
  bytesMax: number,
): Promise<Verdict> {
  if (exchange.method !== 'HEAD') {
    if (!isPlain(listValue(exchange.responseFields, 'content-encoding')) || exchange.responseStatus === 206)
      return refused(
        'upstream_protocol_error',
        'The answer of the upstream is encoded or partial, and cannot be changed.',
      );
    const body = await exchange.readResponseBody(bytesMax);
    if (body === 'tooLarge')
      return refused('upstream_protocol_error', 'The answer of the upstream is too large to be changed.');
    if (body === 'noRoom') return { kind: 'refusal', reason: 'overloaded' };
    if (body.length === 0) return undefined;
    const changed = changedBody(body, changes, exchange);
    if (changed === undefined)
      return refused(
        'upstream_protocol_error',
        'The answer of the upstream is not the JSON that it claims to be.',
      );
    exchange.replaceResponseBody(changed);
  } else exchange.replaceResponseBody(new Uint8Array());
  const { responseFields } = exchange;
  for (const each of [...digests, 'accept-ranges']) removeField(responseFields, each);
  // Its bytes are not those that the upstream named.
  const tag = fieldValue(responseFields, 'etag');
  if (tag?.startsWith('"') === true) setField(responseFields, 'etag', `W/${tag}`);
  return undefined;
}

/** Undefined: it is no JSON. */
function changedBody(
  body: Uint8Array,
  changes: readonly Prepared[],
  exchange: FilterExchange,
): Buffer | undefined {
  let root: unknown;
  try {
    root = parseExactJson(body);
  } catch {
    return undefined;
  }
  for (const { change, texts } of changes) {
    const value = change.value === undefined ? undefined : valueFor(change.value, texts, exchange);
    if (change.value === undefined || value !== undefined) root = applyJsonOp(root, change, value);
  }
  return writeJson(root);
}

/** Undefined: the request has not all of its parts. */
function valueFor(json: string, texts: Prepared['texts'], exchange: FilterExchange): unknown {
  let value = JSON.parse(json) as unknown;
  for (const { at, text } of texts) {
    const expanded = expandWhole(text, exchange);
    if (expanded === undefined) return undefined;
    value = applyJsonOp(value, { op: 'replace', path: at, from: [] }, byteText(expanded));
  }
  return value;
}

function prepared(change: JsonChange): Prepared {
  return { change, texts: change.texts.map(({ at, text }) => ({ at, text: prepareTemplate(text) })) };
}
