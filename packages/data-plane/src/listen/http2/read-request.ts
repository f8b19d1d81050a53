/**
 * From the fields of an HTTP/2 request to the head of the request that we forward, which is HTTP/1.1 (RFC 9113 sections 8.2 and 8.3). The runtime
 * has refused part of what is malformed; everything is judged here once more, for what is wrong on this side is another request on the other.
 */

import { isMethodByte, isTargetByte, isTokenByte, isValueByte } from '@causeway/http1/byte-class';
import { framingFault, noteContentLength } from '@causeway/http1/framing';
import { isHost } from '@causeway/http1/host-syntax';
import type { HeadLimits } from '@causeway/http1/limits';
import { BodyLength, HeadFact } from '@causeway/http1/message-head';
import { RequestHead } from '@causeway/http1/request-head';
import { TargetForm } from '@causeway/http1/request-target';

import type { MessageFault } from '../../proxy/exchange.ts';
import { headBytesFactor } from './session-options.ts';

/** Why a stream carries no request. `detail` is for the client to read. */
export interface RequestFault {
  readonly fault: MessageFault;
  readonly detail: string | undefined;
}

const headTooLarge: RequestFault = { fault: 'head_too_large', detail: undefined };

/** Fields of one connection, which HTTP/2 does not have (RFC 9113 section 8.2.2). */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** RFC 9113 section 8.2.1. */
const blankAtEnd = /^[ \t]|[ \t]$/;

/** `raw` is flat, in the order of the message. `isEnded`: no body follows. */
export function readRequest(
  raw: readonly string[],
  isEnded: boolean,
  limits: HeadLimits,
): RequestHead | RequestFault {
  // Before anything reads it: a few bytes may have become many (HPACK refers to what was sent before).
  if (isHuge(raw, limits)) return headTooLarge;
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  const names: string[] = [];
  let cookie: string | undefined;
  let host: string | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    if (!isMadeOf(value, isValueByte)) return malformed(`The value of a field holds a control byte.`);
    if (name.startsWith(':')) {
      if (names.length > 0 || pseudo.has(name))
        return malformed('A pseudo-header field is late or repeated.');
      pseudo.set(name, value);
      continue;
    }
    const fault = fieldFault(name, value);
    if (fault !== undefined) return malformed(fault);
    if (name === 'host') {
      if (host !== undefined) return malformed('Host is given twice.');
      host = value;
    } else if (name === 'cookie' && cookie !== undefined) {
      cookie += `; ${value}`;
      continue;
    } else if (name === 'cookie') cookie = value;
    names.push(name);
    fields.push(name, value);
  }
  const cookieAt = names.indexOf('cookie');
  if (cookie !== undefined) fields[2 * cookieAt + 1] = cookie;
  const target = readPseudo(pseudo, host);
  if ('fault' in target) return target;
  const head = new RequestHead(target.method, target.path, 0, fields, names);
  head.majorVersion = 2;
  putHost(head, target.authority);
  return sizeFault(head, limits) ?? noteBody(head, isEnded) ?? head;
}

interface Pseudo {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
}

function readPseudo(pseudo: ReadonlyMap<string, string>, host: string | undefined): Pseudo | RequestFault {
  const {
    ':method': method,
    ':scheme': scheme,
    ':path': path,
    ':authority': sent,
    ...unknown
  } = Object.fromEntries(pseudo) as Record<string, string | undefined>;
  if (Object.keys(unknown).length > 0) return malformed('A pseudo-header field is not known here.');
  if (method === undefined || method === '' || !isMadeOf(method, isMethodByte))
    return malformed('The method is not a token of upper-case letters, digits and marks.');
  // What `:authority` says goes before Host, which may differ where a proxy has rewritten it (RFC 9113 section 8.3.1).
  const authority = sent === undefined || sent === '' ? host : sent;
  if (authority === undefined) return malformed('There is neither :authority nor Host.');
  if (!isHost(authority)) return malformed('The authority is no host with an optional port.');
  if (method === 'CONNECT') {
    if (scheme !== undefined || path !== undefined)
      return malformed('CONNECT has neither :scheme nor :path.');
    return { method, path: authority, authority };
  }
  // Either is believed: a proxy in front may have ended TLS. What the client is told to have used is the connection's.
  if (scheme !== 'http' && scheme !== 'https') return malformed('The scheme is neither http nor https.');
  if (path === undefined || !isPath(method, path)) return malformed('The path is no path.');
  return { method, path, authority };
}

function isPath(method: string, path: string): boolean {
  if (path === '*') return method === 'OPTIONS';
  return path.startsWith('/') && isMadeOf(path, isTargetByte);
}

function fieldFault(name: string, value: string): string | undefined {
  if (name === '' || !isMadeOf(name, isTokenByte) || name !== name.toLowerCase())
    return 'A field name is not a token in lower case.';
  if (connectionFields.has(name)) return `HTTP/2 has no ${name} field.`;
  if (blankAtEnd.test(value)) return 'A field value begins or ends with a blank.';
  if (name === 'te' && value !== 'trailers') return 'TE may only say trailers.';
  return undefined;
}

/** First, and once: also filters and matches look there. */
function putHost(head: RequestHead, authority: string): void {
  const { names, fields } = head;
  const at = names.indexOf('host');
  if (at >= 0) {
    names.splice(at, 1);
    fields.splice(2 * at, 2);
  }
  names.unshift('host');
  fields.unshift('host', authority);
  head.host = authority;
  if (head.method === 'CONNECT') head.targetForm = TargetForm.authority;
  else if (head.target === '*') head.targetForm = TargetForm.asterisk;
}

/** As many bytes as the same head would have in HTTP/1.1. */
function sizeFault(head: RequestHead, limits: HeadLimits): RequestFault | undefined {
  const { method, target, names, fields } = head;
  if (target.length > limits.targetBytesMax) return { fault: 'uri_too_long', detail: undefined };
  let bytes = method.length + target.length + ' HTTP/1.1 \r\n\r\n'.length;
  for (const part of fields) bytes += part.length + 2;
  const isTooLarge = bytes > limits.headBytesMax || names.length > limits.fieldsMax;
  return isTooLarge ? headTooLarge : undefined;
}

/** Of cookies in many crumbs most bytes are names, which are left out when they are joined. */
function isHuge(raw: readonly string[], { headBytesMax }: HeadLimits): boolean {
  let bytes = 0;
  for (const part of raw) bytes += part.length;
  return bytes > headBytesFactor * headBytesMax;
}

function noteBody(head: RequestHead, isEnded: boolean): RequestFault | undefined {
  const { names, fields } = head;
  for (let index = 0; index < names.length; index += 1) {
    const value = fields[2 * index + 1]!;
    if (names[index] === 'content-length') noteContentLength(head, value);
    else if (names[index] === 'expect')
      head.facts |= value.toLowerCase() === '100-continue' ? HeadFact.expectsContinue : HeadFact.expectsOther;
  }
  const fault = framingFault(head);
  if (fault !== undefined) return malformed(fault.detail);
  if (isEnded && head.contentLength > 0)
    return malformed('Content-Length tells of a body that is not there.');
  if (!isEnded) head.bodyLength = head.contentLength >= 0 ? head.contentLength : BodyLength.chunked;
  return undefined;
}

function isMadeOf(text: string, table: Uint8Array): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (table[text.charCodeAt(at)] !== 1) return false;
  }
  return true;
}

function malformed(detail: string): RequestFault {
  return { fault: 'malformed', detail };
}
