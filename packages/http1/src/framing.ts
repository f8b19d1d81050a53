/** Content-Length, Transfer-Encoding and Connection, on which two servers must never disagree: every doubt is a fault. */

import { htab, isTokenByte, space, zero } from './byte-class.ts';
import { type Fault, faults } from './fault.ts';
import { HeadFact, type MessageHead } from './message-head.ts';

/** A safe integer has 16 digits at most. */
const lengthDigitsMax = 16;

/** Deviation: no list of equal lengths is collapsed (RFC 9112 section 6.3 allows to refuse it), and no field is given twice. */
export function noteContentLength(head: MessageHead, value: string): void {
  if (head.contentLength >= 0) head.facts |= HeadFact.lengthTwice;
  const length = parseLength(value);
  if (length < 0) head.facts |= HeadFact.lengthBroken;
  head.contentLength = length;
  head.facts |= HeadFact.contentLength;
}

/** `Content-Length = 1*DIGIT` (RFC 9110 section 8.6); -1 for anything else. */
function parseLength(value: string): number {
  if (value.length === 0 || value.length > lengthDigitsMax) return -1;
  let length = 0;
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1;
}

export function noteTransferEncoding(head: MessageHead, value: string): void {
  // A second line is a second coding, whatever it says.
  if (hasCoding(head)) head.facts |= HeadFact.codingBroken;
  if (value === 'chunked' || value.toLowerCase() === 'chunked') head.facts |= HeadFact.chunked;
  else head.facts |= isOtherCoding(value) ? HeadFact.codingUnknown : HeadFact.codingBroken;
}

/** Codings that are well-formed but not ours; `chunked` may stand at their end alone (RFC 9112 section 6.1). */
function isOtherCoding(value: string): boolean {
  const codings = value.split(',').map((coding) => trimBlanks(coding).toLowerCase());
  if (!codings.every(isToken)) return false;
  const chunkedAt = codings.indexOf('chunked');
  return chunkedAt < 0 || chunkedAt === codings.length - 1;
}

export function hasCoding(head: MessageHead): boolean {
  return (head.facts & (HeadFact.chunked | HeadFact.codingUnknown | HeadFact.codingBroken)) !== 0;
}

/** RFC 9112 sections 6.1 and 6.3: what makes the length of any body doubtful. */
export function framingFault(head: MessageHead): Fault | undefined {
  const { facts } = head;
  if ((facts & HeadFact.lengthTwice) !== 0) return faults.lengthTwice;
  if ((facts & HeadFact.lengthBroken) !== 0) return faults.length;
  if (!hasCoding(head)) return undefined;
  if ((facts & HeadFact.contentLength) !== 0) return faults.lengthAndCoding;
  if (head.minorVersion === 0) return faults.codingInOldVersion;
  if ((facts & HeadFact.codingBroken) !== 0) return faults.coding;
  return (facts & HeadFact.codingUnknown) !== 0 ? faults.codingUnknown : undefined;
}

/** `Connection = #connection-option` (RFC 9110 section 7.6.1); options that are no tokens name nothing and are passed over. */
export function noteConnection(head: MessageHead, value: string): void {
  // The usual values.
  if (value === 'keep-alive') {
    head.facts |= HeadFact.keepAlive;
    return;
  }
  if (value === 'close') {
    head.facts |= HeadFact.close;
    return;
  }
  for (const part of value.split(',')) {
    const option = trimBlanks(part).toLowerCase();
    if (option === 'close') head.facts |= HeadFact.close;
    else if (option === 'keep-alive') head.facts |= HeadFact.keepAlive;
    else if (option === 'upgrade') head.facts |= HeadFact.connectionUpgrade;
    else if (isToken(option)) nominate(head, option);
  }
}

function nominate(head: MessageHead, option: string): void {
  head.facts |= HeadFact.nominates;
  head.nominated = [...head.nominated, option];
}

/** Only OWS: `trim` would take away what other servers take for a part of the name. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === space || code === htab;
}

function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (isTokenByte[text.charCodeAt(at)] !== 1) return false;
  }
  return text !== '';
}
