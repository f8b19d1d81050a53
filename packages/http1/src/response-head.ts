/** From the lines of a response's head to what they mean for the request that it answers. */

import { type Fault, faults } from './fault.ts';
import { FieldKind } from './field-names.ts';
import {
  framingFault,
  hasCoding,
  noteConnection,
  noteContentLength,
  noteTransferEncoding,
} from './framing.ts';
import type { HeadReader } from './head-reader.ts';
import { BodyLength, HeadFact, MessageHead } from './message-head.ts';

export class ResponseHead extends MessageHead {
  readonly status: number;
  /** May be empty. */
  readonly reason: string;

  constructor(status: number, reason: string, minorVersion: number, fields: string[], names: string[]) {
    super(minorVersion, fields, names);
    this.status = status;
    this.reason = reason;
  }
}

/** Reads what the reader has found; nothing of the reader is needed afterwards. */
export function readResponseHead(reader: HeadReader, isHeadRequest: boolean): ResponseHead | Fault {
  const { base } = reader;
  const text = reader.source.toString('latin1', base, base + reader.length);
  reader.finishValues(text);
  const reason = text.substring(reader.reasonStart, reader.reasonEnd);
  const head = new ResponseHead(reader.status, reason, reader.versionMinor, reader.fields, reader.names);
  const count = head.names.length;
  for (let index = 0; index < count; index += 1) {
    const kind = reader.kindAt(index);
    if (kind !== FieldKind.other) noteField(head, kind, head.fields[2 * index + 1]!);
  }
  return framingFault(head) ?? bodyFault(head, isHeadRequest) ?? head;
}

function noteField(head: ResponseHead, kind: number, value: string): void {
  if (kind === FieldKind.contentLength) noteContentLength(head, value);
  else if (kind === FieldKind.connection) noteConnection(head, value);
  else if (kind === FieldKind.transferEncoding) noteTransferEncoding(head, value);
  else if (kind === FieldKind.upgrade) head.facts |= HeadFact.upgrade;
}

/** RFC 9112 section 6.3: how long the body is, given the request and the status. */
function bodyFault(head: ResponseHead, isHeadRequest: boolean): Fault | undefined {
  const { status } = head;
  if (status < 200 || status === 204) {
    // RFC 9110 section 8.6 and RFC 9112 section 6.1 forbid both. A length of 0 is common and changes nothing.
    return hasCoding(head) || head.contentLength > 0 ? faults.bodyForbidden : undefined;
  }
  if (isHeadRequest || status === 304) return undefined;
  if (head.facts & HeadFact.chunked) head.bodyLength = BodyLength.chunked;
  else head.bodyLength = head.contentLength >= 0 ? head.contentLength : BodyLength.untilClose;
  return undefined;
}
