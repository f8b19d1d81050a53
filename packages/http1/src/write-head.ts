/**
 * Heads as bytes. Framing is made here and nowhere else, from the length of the body; whatever would end a line early is
 * a bug of the caller and throws before a byte is out.
 */

import assert from 'node:assert';
import { Buffer } from 'node:buffer';

import { isMethodByte, isTargetByte, isTokenByte, isValueByte } from './byte-class.ts';
import { BodyLength } from './message-head.ts';

/** Bytes of the body, `BodyLength.chunked`, `BodyLength.untilClose`, or undefined where no framing is to be said. */
export type WrittenLength = number | undefined;

/**
 * A request's head. `fields` is flat, one character a byte, and holds neither framing nor Connection; `connection` is the value of the
 * latter, empty for none. `bodyLength` undefined means no body and no Content-Length, as for GET.
 *
 * @throws AssertionError on control bytes, names that are no tokens, framing among the fields, and a body that lasts until close
 */
export function writeRequestHead(
  method: string,
  target: string,
  fields: readonly string[],
  bodyLength: WrittenLength,
  connection: string,
): Buffer {
  assert(isMadeOf(method, isMethodByte), 'the method is a token without lower-case letters');
  assert(isMadeOf(target, isTargetByte), 'the target has only visible ASCII and no fragment');
  assert(bodyLength !== BodyLength.untilClose, 'a request does not last until the connection ends');
  return encodeHead(`${method} ${target} HTTP/1.1\r\n`, fields, bodyLength, connection);
}

/**
 * A response's head, always of HTTP/1.1. To a HEAD request and with 304 `bodyLength` is what a GET would have had, or undefined;
 * with 1xx and 204 it must be undefined. `untilClose` says nothing: the caller ends the connection and says `close`.
 *
 * @throws AssertionError as `writeRequestHead`, and on a body where the status forbids one
 */
export function writeResponseHead(
  status: number,
  reason: string,
  fields: readonly string[],
  bodyLength: WrittenLength,
  connection: string,
): Buffer {
  assert(Number.isInteger(status) && status >= 100 && status <= 599, 'the status is 100 to 599');
  // RFC 9110 section 8.6, RFC 9112 section 6.1.
  assert(bodyLength === undefined || (status >= 200 && status !== 204), `${status} has no body`);
  return encodeHead(`HTTP/1.1 ${status} ${reason}\r\n`, fields, bodyLength, connection);
}

function encodeHead(
  startLine: string,
  fields: readonly string[],
  bodyLength: WrittenLength,
  connection: string,
): Buffer {
  let text = startLine;
  let lines = 2 + fields.length / 2;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    checkName(name);
    text += `${name}: ${fields[at + 1]!}\r\n`;
  }
  if (connection !== '') {
    text += `connection: ${connection}\r\n`;
    lines += 1;
  }
  const framing = framingLine(bodyLength);
  if (framing !== '') lines += 1;
  return encodeLines(`${text}${framing}\r\n`, lines);
}

function framingLine(bodyLength: WrittenLength): string {
  if (bodyLength === undefined || bodyLength === BodyLength.untilClose) return '';
  if (bodyLength === BodyLength.chunked) return 'transfer-encoding: chunked\r\n';
  assert(Number.isSafeInteger(bodyLength) && bodyLength >= 0, 'a body has a number of bytes');
  return `content-length: ${bodyLength}\r\n`;
}

/**
 * Hot path: instead of every value before it is joined, the bytes that go out are checked, once: they hold exactly the two control
 * bytes of every line, so none came from a value. It costs half of a pattern for each value.
 */
export function encodeLines(text: string, lines: number): Buffer {
  const { length } = text;
  const bytes = Buffer.allocUnsafe(length);
  bytes.write(text, 0, 'latin1');
  let controls = 0;
  for (let at = 0; at < length; at += 1) {
    if (isValueByte[bytes[at]!] === 0) controls += 1;
  }
  assert(controls === 2 * lines, 'no name or value holds a control byte');
  return bytes;
}

/** Names that were tokens before. Bounded, because names come from clients. */
const knownNames = new Set<string>();
const knownNamesMax = 1024;
const knownNameBytesMax = 64;

/** The framing fields are never known, so that each time is found out. */
export function checkName(name: string): void {
  if (knownNames.has(name)) return;
  assert(isMadeOf(name, isTokenByte), 'a field name is a token');
  const lower = name.toLowerCase();
  const isFraming = lower === 'content-length' || lower === 'transfer-encoding';
  assert(!isFraming && lower !== 'connection', `${lower} is not for the caller to write`);
  if (knownNames.size < knownNamesMax && name.length <= knownNameBytesMax) {
    // A copy of its own, for a part of a head's text would keep the text alive.
    knownNames.add(Buffer.from(name, 'latin1').toString('latin1'));
  }
}

function isMadeOf(text: string, table: Uint8Array): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (table[text.charCodeAt(at)] !== 1) return false;
  }
  return text !== '';
}
