/**
 * From the fields of an HTTP/2 request to the head of the request that we forward, which is HTTP/1.1 (RFC 9113 sections 8.2 and 8.3). The runtime
 * has refused part of what is malformed; everything is judged here once more, for what is wrong on this side is another request on the other.
 */

import {
  colon,
  htab,
  isMethodByte,
  isTargetByte,
  isTokenByte,
  isValueByte,
  space,
} from '@causeway/http1/byte-class';
import { framingFault, noteContentLength } from '@causeway/http1/framing';
import { isHost } from '@causeway/http1/host-syntax';
import type { HeadLimits } from '@causeway/http1/limits';
import { BodyLength, HeadFact } from '@causeway/http1/message-head';
import { RequestHead } from '@causeway/http1/request-head';
import { TargetForm } from '@causeway/http1/request-target';

import type { MessageFault } from '../../proxy/exchange.ts';
import { http1ConnectionFields } from '../../socket/http2-headers.ts';
import { headBytesFactor } from './session-options.ts';

/** Why a stream carries no request. `detail` is for the client to read. */
export interface RequestFault {
  readonly fault: MessageFault;
  readonly detail: string | undefined;
}

const headTooLarge: RequestFault = { fault: 'head_too_large', detail: undefined };

/** Of a token, but in lower case (RFC 9113 section 8.2.1). */
const isNameByte = isTokenByte.map((is, byte) => (byte >= 0x41 && byte <= 0x5a ? 0 : is));

/**
 * `raw` is flat, in the order of the message. `isEnded`: no body follows. Hot path: one pass, and nothing made of the fields but the two lists of
 * the head.
 */
export function readRequest(
  raw: readonly string[],
  isEnded: boolean,
  limits: HeadLimits,
): RequestHead | RequestFault {
  // Before anything reads it: a few bytes may have become many (HPACK refers to what was sent before).
  if (isHuge(raw, limits)) return headTooLarge;
  const received = new ReceivedFields();
  for (let at = 0; at < raw.length; at += 2) {
    const fault = received.take(raw[at]!, raw[at + 1]!);
    if (fault !== undefined) return fault;
  }
  const head = makeHead(received);
  if ('fault' in head) return head;
  const fault = sizeFault(head, limits) ?? (received.hasFraming ? noteFraming(head) : undefined);
  return fault ?? noteBody(head, isEnded) ?? head;
}

class ReceivedFields {
  method: string | undefined;
  scheme: string | undefined;
  path: string | undefined;
  authority: string | undefined;
  protocol: string | undefined;
  host: string | undefined;
  /** The host comes first, and once: also filters and matches look there. */
  readonly fields = ['host', ''];
  readonly names = ['host'];
  /** Some of them tell of the body. */
  hasFraming = false;
  #isPastPseudo = false;
  #cookieAt = 0;

  take(name: string, value: string): RequestFault | undefined {
    if (!isMadeOf(value, isValueByte)) return malformed(`The value of a field holds a control byte.`);
    if (name.charCodeAt(0) === colon) return this.#takePseudo(name, value);
    this.#isPastPseudo = true;
    const fault = fieldFault(name, value);
    if (fault !== undefined) return malformed(fault);
    if (name === 'host') {
      if (this.host !== undefined) return malformed('Host is given twice.');
      this.host = value;
    } else if (name === 'cookie') this.#takeCookie(value);
    else {
      if (name === 'content-length' || name === 'expect') this.hasFraming = true;
      this.names.push(name);
      this.fields.push(name, value);
    }
    return undefined;
  }

  #takePseudo(name: string, value: string): RequestFault | undefined {
    const part = pseudoParts.get(name);
    if (part === undefined) return malformed('A pseudo-header field is not known here.');
    if (this.#isPastPseudo || this[part] !== undefined)
      return malformed('A pseudo-header field is late or repeated.');
    this[part] = value;
    return undefined;
  }

  /** Crumbs of it are joined (RFC 9113 section 8.2.3). */
  #takeCookie(value: string): void {
    if (this.#cookieAt > 0) {
      this.fields[this.#cookieAt] += `; ${value}`;
      return;
    }
    this.names.push('cookie');
    this.#cookieAt = this.fields.push('cookie', value) - 1;
  }
}

const pseudoParts: ReadonlyMap<string, 'method' | 'scheme' | 'path' | 'authority' | 'protocol'> = new Map([
  [':method', 'method'],
  [':scheme', 'scheme'],
  [':path', 'path'],
  [':authority', 'authority'],
  [':protocol', 'protocol'],
]);

function makeHead(received: ReceivedFields): RequestHead | RequestFault {
  const { method, path, protocol, fields, names } = received;
  if (method === undefined || method === '' || !isMadeOf(method, isMethodByte))
    return malformed('The method is not a token of upper-case letters, digits and marks.');
  // What `:authority` says goes before Host, which may differ where a proxy has rewritten it (RFC 9113 section 8.3.1).
  const authority = received.authority || received.host;
  if (authority === undefined) return malformed('There is neither :authority nor Host.');
  if (!isHost(authority)) return malformed('The authority is no host with an optional port.');
  const fault = targetFault(method, received);
  if (fault !== undefined) return malformed(fault);
  // RFC 9220 section 3.
  if (protocol !== undefined && protocol !== 'websocket')
    return { fault: 'not_implemented', detail: 'The only protocol for extended CONNECT here is websocket.' };
  fields[1] = authority;
  const isExtended = protocol !== undefined;
  const head = new RequestHead(isExtended ? 'GET' : method, path ?? authority, 0, fields, names);
  head.majorVersion = 2;
  head.protocol = protocol;
  head.host = authority;
  if (method === 'CONNECT' && !isExtended) head.targetForm = TargetForm.authority;
  else if (path === '*') head.targetForm = TargetForm.asterisk;
  return head;
}

function targetFault(method: string, { scheme, path, protocol }: ReceivedFields): string | undefined {
  if (protocol !== undefined && method !== 'CONNECT') return 'Only CONNECT has :protocol.';
  if (method === 'CONNECT' && protocol === undefined) {
    const isBare = scheme === undefined && path === undefined;
    return isBare ? undefined : 'CONNECT has neither :scheme nor :path.';
  }
  // Either is believed: a proxy in front may have ended TLS. What the client is told to have used is the connection's.
  if (scheme !== 'http' && scheme !== 'https') return 'The scheme is neither http nor https.';
  return path !== undefined && isPath(method, path) ? undefined : 'The path is no path.';
}

function isPath(method: string, path: string): boolean {
  if (path === '*') return method === 'OPTIONS';
  return path.startsWith('/') && isMadeOf(path, isTargetByte);
}

function fieldFault(name: string, value: string): string | undefined {
  if (name === '' || !isMadeOf(name, isNameByte)) return 'A field name is not a token in lower case.';
  if (http1ConnectionFields.has(name)) return `HTTP/2 has no ${name} field.`;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))
    return 'A field value begins or ends with a blank.';
  if (name === 'te' && value !== 'trailers') return 'TE may only say trailers.';
  return undefined;
}

/** RFC 9113 section 8.2.1. */
function isBlank(byte: number): boolean {
  return byte === space || byte === htab;
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

function noteFraming(head: RequestHead): RequestFault | undefined {
  const { names, fields } = head;
  for (let index = 0; index < names.length; index += 1) {
    const value = fields[2 * index + 1]!;
    if (names[index] === 'content-length') noteContentLength(head, value);
    else if (names[index] === 'expect')
      head.facts |= value.toLowerCase() === '100-continue' ? HeadFact.expectsContinue : HeadFact.expectsOther;
  }
  const fault = framingFault(head);
  return fault === undefined ? undefined : malformed(fault.detail);
}

function noteBody(head: RequestHead, isEnded: boolean): RequestFault | undefined {
  if (isEnded && head.contentLength > 0)
    return malformed('Content-Length tells of a body that is not there.');
  if (head.protocol !== undefined)
    return isEnded || head.contentLength >= 0
      ? malformed('Extended CONNECT has no end and no length.')
      : undefined;
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
