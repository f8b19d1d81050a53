/** From the lines of a request's head to what they mean. */

import { type Fault, faults } from './fault.ts';
import { FieldKind } from './field-names.ts';
import { framingFault, noteConnection, noteContentLength, noteTransferEncoding } from './framing.ts';
import type { HeadReader } from './head-reader.ts';
import { isHost } from './host-syntax.ts';
import { BodyLength, HeadFact, MessageHead } from './message-head.ts';
import { isSameHost, type ReadTarget, readTarget, TargetForm } from './request-target.ts';

export class RequestHead extends MessageHead {
  readonly method: string;
  /** As sent, in any of its forms. */
  readonly target: string;
  targetForm: TargetForm = TargetForm.origin;
  /** Where path and query begin in the target: 0 in origin-form. What is left may be empty, or lack its slash. */
  pathStart = 0;
  /** The authority in the target, of absolute-form and authority-form. It goes before Host, from which it does not differ. */
  targetAuthority: string | undefined;
  /** The scheme in the target, of absolute-form. */
  targetScheme: 'http' | 'https' | undefined;
  /** Of extended CONNECT (RFC 8441), which is read as the GET that it would be in HTTP/1.1. */
  protocol: string | undefined;
  /** The value of Host; undefined only in HTTP/1.0. */
  host: string | undefined;

  constructor(method: string, target: string, minorVersion: number, fields: string[], names: string[]) {
    super(minorVersion, fields, names);
    this.method = method;
    this.target = target;
  }
}

/** Reads what the reader has found; nothing of the reader is needed afterwards. */
export function readRequestHead(reader: HeadReader): RequestHead | Fault {
  const { base, methodEnd, targetEnd } = reader;
  const text = reader.source.toString('latin1', base, base + reader.length);
  reader.finishValues(text);
  const head = new RequestHead(
    methodText(text, methodEnd),
    text.substring(methodEnd + 1, targetEnd),
    reader.versionMinor,
    reader.fields,
    reader.names,
  );
  noteFields(head, reader);
  return requestFault(head) ?? head;
}

/** A constant where possible, so that comparing it later is comparing pointers. */
function methodText(text: string, end: number): string {
  if (end === 3 && text.startsWith('GET')) return 'GET';
  if (end === 4 && text.startsWith('POST')) return 'POST';
  return text.substring(0, end);
}

function noteFields(head: RequestHead, reader: HeadReader): void {
  const { fields } = head;
  const count = head.names.length;
  for (let index = 0; index < count; index += 1) {
    const kind = reader.kindAt(index);
    if (kind !== FieldKind.other) noteField(head, kind, fields[2 * index + 1]!);
  }
}

function noteField(head: RequestHead, kind: number, value: string): void {
  if (kind === FieldKind.host) {
    if (head.host !== undefined) head.facts |= HeadFact.hostTwice;
    head.host = value;
  } else if (kind === FieldKind.connection) noteConnection(head, value);
  else if (kind === FieldKind.contentLength) noteContentLength(head, value);
  else if (kind === FieldKind.transferEncoding) noteTransferEncoding(head, value);
  else if (kind === FieldKind.upgrade) head.facts |= HeadFact.upgrade;
  else if (head.minorVersion === 1) {
    // An HTTP/1.0 client does not know what it asks for (RFC 9110 section 10.1.1).
    head.facts |= value.toLowerCase() === '100-continue' ? HeadFact.expectsContinue : HeadFact.expectsOther;
  }
}

function requestFault(head: RequestHead): Fault | undefined {
  const fault = framingFault(head) ?? hostFault(head);
  if (fault !== undefined) return fault;
  if (head.facts & HeadFact.chunked) head.bodyLength = BodyLength.chunked;
  else if (head.contentLength > 0) head.bodyLength = head.contentLength;
  const target = readTarget(head.method, head.target);
  if ('code' in target) return target;
  return target.form === TargetForm.origin ? undefined : noteTarget(head, target);
}

/** RFC 9112 section 3.2: one Host, and a valid one. */
function hostFault(head: RequestHead): Fault | undefined {
  if (head.host === undefined) return head.minorVersion === 0 ? undefined : faults.hostMissing;
  if ((head.facts & HeadFact.hostTwice) !== 0) return faults.hostTwice;
  return isHost(head.host) ? undefined : faults.host;
}

function noteTarget(head: RequestHead, target: ReadTarget): Fault | undefined {
  head.targetForm = target.form;
  head.pathStart = target.pathStart;
  head.targetAuthority = target.authority;
  head.targetScheme = target.scheme;
  const isComparable = target.form === TargetForm.absolute && head.host !== undefined;
  return isComparable && !isSameHost(head.host!, target) ? faults.hostMismatch : undefined;
}
