/**
 * From the fields of an HTTP/2 response to the head that goes on to the client, which may speak HTTP/1.1 (RFC 9113 section 8.3.2). The runtime has
 * refused or dropped most of what is malformed; what would be another response on the other side is judged here once more.
 */

import { isTokenByte } from '@causeway/http1/byte-class';
import { framingFault, noteContentLength } from '@causeway/http1/framing';
import { BodyLength } from '@causeway/http1/message-head';
import { ResponseHead } from '@causeway/http1/response-head';

export interface ResponseFault {
  readonly detail: string;
}

/** Any byte that may not stand in a value (RFC 9110 section 5.5): nothing may begin a new line on the other side. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const badByte = /[^\t\x20-\x7e\x80-\xff]/;

export interface ResponseFacts {
  readonly method: string;
  /** No body follows. */
  readonly isEnded: boolean;
}

/** `raw` is flat, in the order of the message. */
export function readResponse(
  raw: readonly string[],
  { method, isEnded }: ResponseFacts,
): ResponseHead | ResponseFault {
  const status = raw[0] === ':status' ? statusOf(raw[1]!) : -1;
  if (status < 0) return { detail: 'there is no :status from 100 to 599' };
  const fields: string[] = [];
  const names: string[] = [];
  for (let at = 2; at < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    const fault = fieldFault(name, value);
    if (fault !== undefined) return { detail: fault };
    names.push(name);
    fields.push(name, value);
  }
  const head = new ResponseHead(status, '', 0, fields, names);
  head.majorVersion = 2;
  return noteBody(head, method, isEnded) ?? head;
}

/** Fields that follow a body, as the runtime gives them. Undefined: malformed. */
export function readTrailers(raw: readonly string[]): string[] | undefined {
  const fields: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    if (fieldFault(name, value) !== undefined) return undefined;
    fields.push(name, value);
  }
  return fields;
}

function statusOf(text: string): number {
  return /^[1-5]\d\d$/.test(text) ? Number(text) : -1;
}

/** Hot path: names repeat, and those of known ones need no look at their bytes. Bounded, because names come from upstreams. */
const knownNames = new Set<string>();
const knownNamesMax = 1024;

function fieldFault(name: string, value: string): string | undefined {
  if (!knownNames.has(name)) {
    if (!isName(name)) return 'a field name is not a token in lower case';
    if (knownNames.size < knownNamesMax) knownNames.add(name);
  }
  return badByte.test(value) ? `the field ${name} holds a control byte` : undefined;
}

function isName(name: string): boolean {
  for (let at = 0; at < name.length; at += 1) {
    if (isTokenByte[name.charCodeAt(at)] !== 1) return false;
  }
  return name !== '' && name === name.toLowerCase();
}

function noteBody(head: ResponseHead, method: string, isEnded: boolean): ResponseFault | undefined {
  const { names, fields, status } = head;
  for (let at = names.indexOf('content-length'); at >= 0; at = names.indexOf('content-length', at + 1))
    noteContentLength(head, fields[2 * at + 1]!);
  const fault = framingFault(head);
  if (fault !== undefined) return fault;
  if (isEnded || status < 200 || status === 204 || status === 304 || method === 'HEAD') return undefined;
  head.bodyLength = head.contentLength >= 0 ? head.contentLength : BodyLength.chunked;
  return undefined;
}
