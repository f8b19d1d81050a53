/** A fixed answer: no upstream is asked. */

import type { TemplatePart } from '@causeway/model/template';

import { forbiddenInValue } from './fields.ts';
import type { Answer, Filter, FilterExchange, Refusal } from './filter.ts';
import { expandText, expandWhole, fixedText, prepareTemplate, type Template } from './template.ts';

export interface RespondSettings {
  readonly status: number;
  /** Names in lower case; content-type among them when there is a body. */
  readonly headers: readonly { readonly name: string; readonly value: readonly TemplatePart[] }[];
  /** Empty where the status allows none. */
  readonly body: readonly TemplatePart[];
}

interface Prepared {
  readonly status: number;
  readonly headers: readonly { readonly name: string; readonly value: Template }[];
  readonly body: Template;
}

/** An answer in which nothing varies is made once, for all requests. */
export function createRespondFilter(name: string, settings: RespondSettings): Filter {
  const { status } = settings;
  const headers = settings.headers.map((header) => ({
    name: header.name,
    value: prepareTemplate(header.value),
  }));
  const prepared: Prepared = { status, headers, body: prepareTemplate(settings.body) };
  const fixed = fixedAnswer(prepared);
  return {
    kind: 'respond',
    name,
    onRequestHead: fixed === undefined ? (exchange) => answerTo(prepared, exchange) : () => fixed,
  };
}

function fixedAnswer({ status, headers, body }: Prepared): Answer | undefined {
  const fields: string[] = [];
  for (const { name, value } of headers) {
    const text = fixedText(value);
    if (text === undefined) return undefined;
    fields.push(name, text);
  }
  const text = fixedText(body);
  return text === undefined ? undefined : answer(status, fields, text);
}

/** A header that lacks a part is left out; one that a request would put a control byte into is the request's fault. */
function answerTo({ status, headers, body }: Prepared, exchange: FilterExchange): Answer | Refusal {
  const fields: string[] = [];
  for (const { name, value } of headers) {
    const text = expandWhole(value, exchange);
    if (text === undefined) continue;
    if (forbiddenInValue.test(text)) return spoilt(name);
    fields.push(name, text);
  }
  return answer(status, fields, expandText(body, exchange));
}

function spoilt(header: string): Refusal {
  const detail = `The request would put a control character into the field ${header}.`;
  return { kind: 'refusal', reason: 'bad_request', detail };
}

function answer(status: number, fields: readonly string[], body: string): Answer {
  return { kind: 'answer', status, fields, body: Buffer.from(body, 'latin1') };
}
