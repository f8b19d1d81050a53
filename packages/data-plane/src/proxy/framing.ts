/** Where a request's body ends: the question that request smuggling is about, so every doubt is refused. */

import type { BodyLength, HeaderList } from './exchange.ts';
import { headerValues } from './header-list.ts';
import type { Refusal } from './reasons.ts';

/** Digits that a safe integer holds. */
const lengthPattern = /^\d{1,15}$/;

/** The length of the body (RFC 9112 section 6.3). */
export function requestBodyLength(headers: HeaderList, httpVersion: string): BodyLength | Refusal {
  const lengths = headerValues(headers, 'content-length');
  const codings = headerValues(headers, 'transfer-encoding');
  if (codings.length > 0) return codedLength(codings, lengths, httpVersion);
  if (lengths.length === 0) return 0;
  const [length = ''] = lengths;
  if (lengths.length > 1 || !lengthPattern.test(length))
    return bad('Content-Length is not one decimal number.');
  return Number(length);
}

/** The length of a response's body as its head tells; undefined when the head is malformed. */
export function responseBodyLength(headers: HeaderList): BodyLength | undefined {
  const lengths = headerValues(headers, 'content-length');
  const codings = headerValues(headers, 'transfer-encoding');
  if (codings.length > 0) {
    const isChunked = codings.length === 1 && codings[0]!.toLowerCase() === 'chunked';
    return isChunked && lengths.length === 0 ? 'unknown' : undefined;
  }
  if (lengths.length === 0) return 'unknown';
  const [length = ''] = lengths;
  return lengths.length === 1 && lengthPattern.test(length) ? Number(length) : undefined;
}

function codedLength(
  codings: readonly string[],
  lengths: readonly string[],
  httpVersion: string,
): BodyLength | Refusal {
  if (lengths.length > 0) return bad('Content-Length and Transfer-Encoding exclude each other.');
  if (httpVersion !== '1.1') return bad('Transfer-Encoding needs HTTP/1.1.');
  const names = codings.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  if (names.length === 1 && names[0] === 'chunked') return 'unknown';
  const isReadable = names.at(-1) === 'chunked' && names.every((name) => name !== '');
  if (isReadable && names.indexOf('chunked') === names.length - 1) {
    return { reason: 'not_implemented', detail: 'No transfer coding but chunked is supported.' };
  }
  return bad('Transfer-Encoding must be chunked, once.');
}

function bad(detail: string): Refusal {
  return { reason: 'bad_request', detail };
}
