/**
 * Heads as text of one character a byte, so that a body that follows at once can go out with them in one write. Framing is made here
 * and nowhere else, from the length of the body.
 */

import assert from 'node:assert';

import { isTokenByte, isValueByte } from './byte-class.ts';
import { BodyLength } from './message-head.ts';
import { reasonPhrase } from './reason-phrase.ts';

/** Bytes of the body, `BodyLength.chunked`, `BodyLength.untilClose`, or undefined where no framing is to be said. */
export type WrittenLength = number | undefined;

/**
 * A request's head. Method, target and `fields` (flat) have been read by a parser or have passed `checkField`; the fields hold neither
 * framing nor Connection. `bodyLength` undefined means no body and no Content-Length, as for GET.
 *
 * Hot path: what a strict parser has read cannot end a line, so it is not looked at again; that would cost as much as the writing.
 */
export function requestHeadText(
  method: string,
  target: string,
  fields: readonly string[],
  bodyLength: WrittenLength,
): string {
  assert(bodyLength !== BodyLength.untilClose, 'a request does not last until the connection ends');
  return `${method} ${target} HTTP/1.1\r\n${fieldLines(fields)}${framingLine(bodyLength)}\r\n`;
}

/**
 * A response's head, always of HTTP/1.1, with the registered reason phrase. To a HEAD request and with 304 `bodyLength` is what a GET would
 * have had, or undefined; with 1xx and 204 it must be undefined. `untilClose` says nothing: the caller ends the connection.
 * `fields` as in `requestHeadText`; `close` adds `Connection: close`.
 *
 * @throws AssertionError on a status that is none, and on a body where the status forbids one
 */
export function responseHeadText(
  status: number,
  fields: readonly string[],
  bodyLength: WrittenLength,
  close: boolean,
): string {
  assert(Number.isInteger(status) && status >= 100 && status <= 599, 'the status is 100 to 599');
  // RFC 9110 section 8.6, RFC 9112 section 6.1.
  assert(bodyLength === undefined || (status >= 200 && status !== 204), `${status} has no body`);
  const ending = close ? 'connection: close\r\n\r\n' : '\r\n';
  return `${statusLine(status)}${fieldLines(fields)}${framingLine(bodyLength)}${ending}`;
}

/**
 * For every field that no parser has read, before it joins the others.
 * @throws AssertionError on a name that is no token or is for the writer to write, and on control bytes in the value
 */
export function checkField(name: string, value: string): void {
  assert(typeof name === 'string' && typeof value === 'string', 'names and values are texts');
  if (!goodNames.has(name)) learnName(name);
  if (!isMadeOf(value, isValueByte))
    assert.fail(`the value of ${name} holds no control byte and none beyond latin-1`);
}

/** Hot path: the same few names come again and again. Bounded, because some are made of what clients send. */
const goodNames = new Set<string>();
const goodNamesMax = 1024;

function learnName(name: string): void {
  assert(isMadeOf(name, isTokenByte) && name !== '', 'a field name is a token');
  const lower = name.toLowerCase();
  const isFraming = lower === 'content-length' || lower === 'transfer-encoding';
  assert(!isFraming && lower !== 'connection', `${lower} is not for the caller to write`);
  if (goodNames.size < goodNamesMax) goodNames.add(name);
}

/** Lines of a flat list. */
export function fieldLines(fields: readonly string[]): string {
  let text = '';
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]!}: ${fields[at + 1]!}\r\n`;
  return text;
}

function framingLine(bodyLength: WrittenLength): string {
  if (bodyLength === undefined || bodyLength === BodyLength.untilClose) return '';
  if (bodyLength === BodyLength.chunked) return 'transfer-encoding: chunked\r\n';
  assert(Number.isSafeInteger(bodyLength) && bodyLength >= 0, 'a body has a number of bytes');
  return `content-length: ${bodyLength}\r\n`;
}

const statusLines: string[] = [];

function statusLine(status: number): string {
  return (statusLines[status] ??= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`);
}

function isMadeOf(text: string, table: Uint8Array): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (table[text.charCodeAt(at)] !== 1) return false;
  }
  return true;
}
