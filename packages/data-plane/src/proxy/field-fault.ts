/** What no field of HTTP/2 may be, judged once more where one is about to cross: on the other side it might be two fields, or two messages. */

import { htab, isTokenByte, space } from '@causeway/http1/byte-class';

/** Any byte that may not stand in a value (RFC 9110 section 5.5). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const badByte = /[^\t\x20-\x7e\x80-\xff]/;

/** Hot path: names repeat, and a known one needs no look at its bytes. Bounded, because names come from peers. */
const knownNames = new Set<string>();
const knownNamesMax = 1024;

/** Undefined: none. */
export function fieldFault(name: string, value: string): string | undefined {
  if (!knownNames.has(name)) {
    if (!isName(name)) return 'a field name is not a token in lower case';
    if (knownNames.size < knownNamesMax) knownNames.add(name);
  }
  return badByte.test(value) ? `the field ${name} holds a control byte` : undefined;
}

/** A value has no blanks around it (RFC 9113 section 8.2.1); an upstream's are taken off, as HTTP/1.1 does of itself, not held against it. */
export function withoutBlanks(value: string): string {
  return isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1))
    ? value.replace(/^[ \t]+|[ \t]+$/g, '')
    : value;
}

function isBlank(byte: number): boolean {
  return byte === space || byte === htab;
}

function isName(name: string): boolean {
  for (let at = 0; at < name.length; at += 1) {
    if (isTokenByte[name.charCodeAt(at)] !== 1) return false;
  }
  return name !== '' && name === name.toLowerCase();
}
