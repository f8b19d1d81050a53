/** Which bytes may stand where, as tables: one load tells what a chain of comparisons would. */

export const htab = 0x09;
export const lf = 0x0a;
export const cr = 0x0d;
export const space = 0x20;
export const doubleQuote = 0x22;
export const comma = 0x2c;
export const slash = 0x2f;
export const zero = 0x30;
export const colon = 0x3a;
export const semicolon = 0x3b;
export const equals = 0x3d;
export const backslash = 0x5c;

const alphaLower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const tokenMarks = "!#$%&'*+-.^_`|~";

/** RFC 9110 section 5.6.2. */
export const isTokenByte = tableOf(alphaLower + alphaLower.toUpperCase() + digits + tokenMarks);

/**
 * Deviation: a method is any token, but one with lower-case letters is refused. Methods are case-sensitive (RFC 9110 section 9.1),
 * none is registered in lower case, and a server that folds the case would see another method than the rules here did.
 */
export const isMethodByte = tableOf(alphaLower.toUpperCase() + digits + tokenMarks);

/**
 * What a request-target may hold: what is visible in ASCII, but no fragment, which is never sent (RFC 9112 section 3.2). The bytes that
 * RFC 3986 wants escaped and browsers send nonetheless pass: they are for whoever makes the path canonical.
 */
export const isTargetByte = rangeOf(0x21, 0x7e);
isTargetByte['#'.charCodeAt(0)] = 0;

/** What a field value or a reason phrase may hold: HTAB, SP, visible ASCII and obs-text (RFC 9110 section 5.5). */
export const isValueByte = rangeOf(0x20, 0xff);
isValueByte[htab] = 1;
isValueByte[0x7f] = 0;

/** The value of a hexadecimal digit, 255 for every other byte. */
export const hexValue = hexTable();

function rangeOf(first: number, last: number): Uint8Array {
  return new Uint8Array(256).fill(1, first, last + 1);
}

function tableOf(bytes: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let at = 0; at < bytes.length; at += 1) table[bytes.charCodeAt(at)] = 1;
  return table;
}

function hexTable(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  for (let value = 0; value < 16; value += 1) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}
