/**
 * Finds the lines of a head or a trailer section in one pass over its bytes, however they are cut into chunks. What arrives whole is
 * read where it lies; only what arrives in pieces is copied, into a buffer that never exceeds the limit.
 */

import { Buffer } from 'node:buffer';

import {
  colon,
  cr,
  htab,
  isMethodByte,
  isTargetByte,
  isTokenByte,
  isValueByte,
  lf,
  space,
} from './byte-class.ts';
import { type Fault, faults } from './fault.ts';
import { findName, lowerNames, nameKinds, sentNames } from './field-names.ts';
import type { HeadLimits } from './limits.ts';

export const ScanResult = { more: 0, done: 1, fault: 2 } as const;
export type ScanResult = (typeof ScanResult)[keyof typeof ScanResult];

/** What the reader is in the middle of. Those up to `lineStart` belong to start lines. */
export const Phase = {
  method: 0,
  target: 1,
  requestVersion: 2,
  statusVersion: 3,
  status: 4,
  reason: 5,
  startLineEnd: 6,
  lineStart: 7,
  name: 8,
  beforeValue: 9,
  value: 10,
  lineEnd: 11,
  sectionEnd: 12,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

const versionText = Buffer.from('HTTP/d.d', 'latin1');
const majorAt = 5;
const minorAt = 7;

const pendingBytesMin = 512;

/**
 * Kind, start and end of the value of each field of the section that is being read. All readers share it, because they are many
 * and mostly idle: one that has to wait takes a copy of its part along.
 */
let marks = new Int32Array(3 * 256);

export class HeadReader {
  /** Valid after `done`: where the section's bytes are, from `base` on. Positions below count from `base`. */
  source: Buffer = Buffer.alloc(0);
  base = 0;
  /** Bytes of the section. */
  length = 0;
  /** Bytes of the last chunk that belong to the section. */
  taken = 0;
  fault: Fault = faults.lineEnd;

  methodEnd = 0;
  /** The method of the request, as far as it is known, is HEAD. */
  isHead = false;
  targetEnd = 0;
  versionMajor = 0;
  versionMinor = 0;
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** Flat list of the section's fields; the values are filled in by `finishValues`. */
  fields: string[] = [];
  /** Names of the fields in lower case, one for every two entries of `fields`. */
  names: string[] = [];

  readonly #limits: HeadLimits;
  #bytesMax = 0;
  #phase: Phase = Phase.lineStart;
  #at = 0;
  #mark = 0;
  #pending: Buffer | undefined;
  #pendingLength = 0;
  #saved: Int32Array | undefined;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    if (marks.length < 3 * limits.fieldsMax) marks = new Int32Array(3 * limits.fieldsMax);
  }

  /** Starts a section of at most `bytesMax` bytes. */
  begin(phase: Phase, bytesMax: number): void {
    this.#phase = phase;
    this.#bytesMax = bytesMax;
    this.#at = 0;
    this.#mark = 0;
    this.isHead = false;
    this.status = 0;
    this.fields = [];
    this.names = [];
  }

  /** Reads on with the bytes of `chunk` from `from`. After `done` `taken` tells how many belonged to the section. */
  read(chunk: Buffer, from: number): ScanResult {
    if (this.#pending !== undefined) return this.#readPending(chunk, from);
    const result = this.#scan(chunk, from, chunk.length);
    if (result === ScanResult.more) this.#keep(chunk, from);
    else this.taken = this.#at;
    return result;
  }

  /** Kind of the field with this index. Only until the next section is read, by any reader. */
  kindAt(index: number): number {
    return marks[index * 3]!;
  }

  /** Puts the values into `fields`, cut out of the text of the section. */
  finishValues(text: string): void {
    const { fields } = this;
    for (let at = 1, mark = 1; at < fields.length; at += 2, mark += 3) {
      fields[at] = text.substring(marks[mark]!, marks[mark + 1]);
    }
  }

  #keep(chunk: Buffer, from: number): void {
    this.taken = chunk.length - from;
    if (this.taken > 0) this.#append(chunk, from, chunk.length);
  }

  #readPending(chunk: Buffer, from: number): ScanResult {
    const before = this.#pendingLength;
    this.#append(chunk, from, Math.min(chunk.length, from + this.#bytesMax - before));
    if (this.#saved !== undefined) marks.set(this.#saved);
    const result = this.#scan(this.#pending!, 0, this.#pendingLength);
    if (result === ScanResult.more) {
      this.taken = chunk.length - from;
      return result;
    }
    this.taken = Math.max(0, this.#at - before);
    this.#pending = undefined;
    this.#pendingLength = 0;
    this.#saved = undefined;
    return result;
  }

  #append(chunk: Buffer, from: number, end: number): void {
    const length = this.#pendingLength + end - from;
    const old = this.#pending;
    if (old === undefined || old.length < length) {
      const capacity = Math.min(this.#bytesMax, Math.max(pendingBytesMin, 2 * length));
      this.#pending = Buffer.allocUnsafeSlow(capacity);
      old?.copy(this.#pending, 0, 0, this.#pendingLength);
    }
    chunk.copy(this.#pending!, this.#pendingLength, from, end);
    this.#pendingLength = length;
  }

  #scan(source: Buffer, base: number, sourceEnd: number): ScanResult {
    const end = Math.min(sourceEnd, base + this.#bytesMax);
    if (this.#phase < Phase.lineStart) {
      const isRequest = this.#phase <= Phase.requestVersion;
      let result: ScanResult = ScanResult.done;
      if (isRequest) result = this.#scanRequestLine(source, base, end);
      else if (this.#phase < Phase.startLineEnd) result = this.#scanStatusLine(source, base, end);
      if (result !== ScanResult.done) return result;
      result = this.#scanStartLineEnd(source, base, end);
      if (result !== ScanResult.done) return result;
    }
    return this.#scanFields(source, base, end);
  }

  /** `request-line = method SP request-target SP HTTP-version CRLF` (RFC 9112 section 3), one blank each. */
  #scanRequestLine(source: Buffer, base: number, end: number): ScanResult {
    let at = base + this.#at;
    if (this.#phase === Phase.method) {
      while (at < end && isMethodByte[source[at]!] === 1) at += 1;
      if (at === end) return this.#suspend(at - base);
      if (source[at] !== space || at === base) return this.#fail(faults.method, at - base);
      this.methodEnd = at - base;
      this.isHead = this.methodEnd === 4 && source.toString('latin1', base, at) === 'HEAD';
      at += 1;
      this.#phase = Phase.target;
    }
    if (this.#phase === Phase.target) {
      const start = base + this.methodEnd + 1;
      const tooLong = start + this.#limits.targetBytesMax;
      const stop = Math.min(end, tooLong);
      while (at < stop && isTargetByte[source[at]!] === 1) at += 1;
      if (at === end) return this.#suspend(at - base);
      if (at === tooLong && isTargetByte[source[at]!] === 1)
        return this.#fail(faults.targetTooLong, at - base);
      // A line end here is HTTP/0.9, which nobody speaks any more.
      if (source[at] !== space || at === start) return this.#fail(faults.target, at - base);
      this.targetEnd = at - base;
      at += 1;
      this.#mark = at - base;
      this.#phase = Phase.requestVersion;
    }
    return this.#scanVersion(source, base, at, end);
  }

  /**
   * `status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF` (RFC 9112 section 4).
   * Deviation: the blank after the status may be missing, as many servers leave it out with the reason.
   */
  #scanStatusLine(source: Buffer, base: number, end: number): ScanResult {
    let at = base + this.#at;
    if (this.#phase === Phase.statusVersion) {
      const result = this.#scanVersion(source, base, at, end);
      if (result !== ScanResult.done) return result;
      at = base + this.#at;
      if (at === end) return this.#suspend(at - base);
      if (source[at] !== space) return this.#fail(faults.version, at - base);
      at += 1;
      this.#mark = at - base;
      this.#phase = Phase.status;
    }
    if (this.#phase === Phase.status) {
      for (const stop = base + this.#mark + 3; at < stop; at += 1) {
        if (at === end) return this.#suspend(at - base);
        const digit = source[at]! - 0x30;
        if (digit < 0 || digit > 9) return this.#fail(faults.status, at - base);
        this.status = this.status * 10 + digit;
      }
      if (at === end) return this.#suspend(at - base);
      if (this.status < 100 || this.status > 599) return this.#fail(faults.status, at - base);
      if (source[at] === space) at += 1;
      else if (source[at] !== cr) return this.#fail(faults.status, at - base);
      this.reasonStart = at - base;
      this.#phase = Phase.reason;
    }
    while (at < end && isValueByte[source[at]!] === 1) at += 1;
    if (at === end) return this.#suspend(at - base);
    this.reasonEnd = at - base;
    this.#phase = Phase.startLineEnd;
    this.#at = at - base;
    return source[at] === cr ? ScanResult.done : this.#fail(faults.reason, at - base);
  }

  /** `HTTP-version = HTTP-name "/" DIGIT "." DIGIT` (RFC 9112 section 2.3), in upper case; from the mark on. */
  #scanVersion(source: Buffer, base: number, from: number, end: number): ScanResult {
    const start = base + this.#mark;
    let at = from;
    for (; at < start + versionText.length; at += 1) {
      if (at === end) return this.#suspend(at - base);
      const index = at - start;
      const byte = source[at]!;
      const digit = byte - 0x30;
      if (index === majorAt && digit >= 0 && digit <= 9) this.versionMajor = digit;
      else if (index === minorAt && digit >= 0 && digit <= 9) this.versionMinor = digit;
      else if (byte !== versionText[index] || index === majorAt || index === minorAt)
        return this.#fail(faults.version, at - base);
    }
    if (this.#phase === Phase.requestVersion) this.#phase = Phase.startLineEnd;
    this.#at = at - base;
    return ScanResult.done;
  }

  #scanStartLineEnd(source: Buffer, base: number, end: number): ScanResult {
    let at = base + this.#at;
    if (at < end && source[at] === cr && at + 1 === end) {
      // Both bytes are looked at together: waiting for the second costs a second look at the first.
      return this.#suspend(at - base, end - base);
    }
    if (at === end) return this.#suspend(at - base);
    if (source[at] !== cr || source[at + 1] !== lf) return this.#fail(faults.lineEnd, at - base);
    if (this.versionMajor !== 1 || this.versionMinor > 1) {
      return this.#fail(faults.versionNotSupported, at - base);
    }
    at += 2;
    this.#at = at - base;
    this.#phase = Phase.lineStart;
    return ScanResult.done;
  }

  /**
   * `field-line = field-name ":" OWS field-value OWS` (RFC 9112 section 5). No blank before the colon (section 5.1), no folded line
   * (section 5.2), nothing but CRLF at the end (section 2.2).
   */
  #scanFields(source: Buffer, base: number, end: number): ScanResult {
    let at = base + this.#at;
    for (;;) {
      if (this.#phase === Phase.lineStart) {
        if (at === end) return this.#suspend(at - base);
        this.#mark = at - base;
        this.#phase = source[at] === cr ? Phase.sectionEnd : Phase.name;
      }
      if (this.#phase === Phase.name) {
        while (at < end && isTokenByte[source[at]!] === 1) at += 1;
        if (at === end) return this.#suspend(at - base);
        const start = base + this.#mark;
        if (source[at] !== colon || at === start) return this.#fail(nameFault(source[start]!), at - base);
        if (!this.#addName(source, start, at)) return this.#fail(faults.tooManyFields, at - base);
        at += 1;
        this.#phase = Phase.beforeValue;
      }
      if (this.#phase === Phase.beforeValue) {
        while (at < end && (source[at] === space || source[at] === htab)) at += 1;
        if (at === end) return this.#suspend(at - base);
        this.#mark = at - base;
        this.#phase = Phase.value;
      }
      if (this.#phase === Phase.value) {
        while (at < end && isValueByte[source[at]!] === 1) at += 1;
        if (at === end) return this.#suspend(at - base);
        if (source[at] !== cr) return this.#fail(valueFault(source[at]!), at - base);
        this.#addValue(source, base, at);
        at += 1;
        this.#phase = Phase.lineEnd;
      }
      if (this.#phase === Phase.lineEnd) {
        if (at === end) return this.#suspend(at - base);
        if (source[at] !== lf) return this.#fail(faults.lineEnd, at - base);
        at += 1;
        this.#phase = Phase.lineStart;
      } else {
        // The empty line.
        if (at + 1 >= end) return this.#suspend(at - base, end - base);
        if (source[at + 1] !== lf) return this.#fail(faults.lineEnd, at - base);
        return this.#complete(source, base, at + 2);
      }
    }
  }

  #addName(source: Buffer, start: number, end: number): boolean {
    const { fields, names } = this;
    const index = names.length;
    if (index >= this.#limits.fieldsMax) return false;
    const slot = findName(source, start, end);
    fields.push(sentNames[slot]!, '');
    names.push(lowerNames[slot]!);
    marks[index * 3] = nameKinds[slot]!;
    return true;
  }

  /** The value ends at `end` but for trailing blanks. */
  #addValue(source: Buffer, base: number, end: number): void {
    const start = this.#mark;
    let last = end - base;
    while (last > start && (source[base + last - 1] === space || source[base + last - 1] === htab)) last -= 1;
    const mark = (this.names.length - 1) * 3;
    marks[mark + 1] = start;
    marks[mark + 2] = last;
  }

  #complete(source: Buffer, base: number, end: number): ScanResult {
    this.source = source;
    this.base = base;
    this.length = end - base;
    this.#at = this.length;
    return ScanResult.done;
  }

  /** All bytes up to `seen` are read; goes on at `at`. At the limit there is nothing to wait for. */
  #suspend(at: number, seen: number = at): ScanResult {
    if (seen >= this.#bytesMax) {
      return this.#fail(this.#phase === Phase.target ? faults.targetTooLong : faults.headTooLarge, at);
    }
    this.#at = at;
    const used = this.names.length * 3;
    if (used > 0) this.#saved = marks.slice(0, used);
    return ScanResult.more;
  }

  #fail(fault: Fault, at: number): ScanResult {
    this.#at = at;
    this.fault = fault;
    return ScanResult.fault;
  }
}

function nameFault(first: number): Fault {
  return first === space || first === htab ? faults.fold : faults.fieldName;
}

function valueFault(byte: number): Fault {
  return byte === lf ? faults.lineEnd : faults.fieldValue;
}
