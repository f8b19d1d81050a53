/**
 * From the fields of an HTTP/2 response to the head that goes on to the client, which may speak HTTP/1.1 (RFC 9113 section 8.3.2). The runtime has
 * refused or dropped most of what is malformed; what would be another response on the other side is judged here once more.
 */

import { framingFault, noteContentLength } from '@causeway/http1/framing';
import { BodyLength } from '@causeway/http1/message-head';
import { ResponseHead } from '@causeway/http1/response-head';

import { fieldFault, withoutBlanks } from '../../proxy/field-fault.ts';

export interface ResponseFault {
  readonly detail: string;
}

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
    const value = withoutBlanks(raw[at + 1]!);
    const fault = fieldFault(name, value);
    if (fault !== undefined) return { detail: fault };
    names.push(name);
    fields.push(name, value);
  }
  const head = new ResponseHead(status, '', 0, fields, names);
  head.majorVersion = 2;
  return noteBody(head, method, isEnded) ?? head;
}

function statusOf(text: string): number {
  return /^[1-5]\d\d$/.test(text) ? Number(text) : -1;
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
