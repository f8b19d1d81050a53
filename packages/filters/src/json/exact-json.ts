/** JSON texts (RFC 8259) that come out as they went in, but for what is changed. */

/** Of ECMAScript 2025, which the types do not know yet. */
interface SourceJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}

const json = JSON as unknown as SourceJson;

const decoder = new TextDecoder('utf-8', { fatal: true });
const byteOrderMark = /^\uFEFF/;

/** Throws SyntaxError or TypeError for what is no JSON in UTF-8. Numbers that a double would change (long ones, `1.0`, `-0`) are kept as their text. */
export function parseExactJson(bytes: Uint8Array): unknown {
  const text = decoder.decode(bytes).replace(byteOrderMark, '');
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && JSON.stringify(value) !== source
      ? json.rawJSON(source)
      : value,
  );
}

/** A number that is kept as its text. */
export function isKeptNumber(value: unknown): boolean {
  return json.isRawJSON(value);
}

export function writeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** `application/json`, and what ends in `+json` (RFC 6838 section 4.2.8). */
export function isJsonType(contentType: string | undefined): boolean {
  return contentType !== undefined && /^(application\/json|[^;\s]+\+json)\s*(;|$)/i.test(contentType);
}

/** Of Content-Encoding: the bytes are the text itself. */
export function isPlain(contentEncoding: string | undefined): boolean {
  return contentEncoding === undefined || /^(identity)?$/i.test(contentEncoding.trim());
}
