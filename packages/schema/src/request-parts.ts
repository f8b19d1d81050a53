/** The parts of a request that schemas judge, as byte strings: one character a byte, as on the wire. */

export interface RequestParts {
  readonly method: string;
  /** Canonical, without the query. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string | undefined;
  readonly hasRequestBody: boolean;
  /** Repeated fields joined by ", ", cookies by "; ". */
  requestHeader(lowerName: string): string | undefined;
  /** The fields that go upstream: flat, name, value, name, value. */
  readonly upstreamFields: readonly string[];
}

export type Place = 'path' | 'query' | 'header' | 'cookie' | 'body';

/** What is wrong with a request. */
export interface RequestFinding {
  readonly in: Place;
  /** Of a parameter. */
  readonly name?: string;
  /** JSON Pointer into the body or the parameter's value. */
  readonly pointer: string;
  readonly detail: string;
}

/** A header that an application may take for one of those that are judged: CGI and its heirs read `_` as `-`. `judged`: names in lower case, with dashes to themselves. */
export function lookalikes(
  { upstreamFields: fields }: RequestParts,
  judged: ReadonlyMap<string, string>,
): RequestFinding[] {
  const findings: RequestFinding[] = [];
  if (judged.size === 0) return findings;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase();
    const wanted = judged.get(withDashes(name));
    if (wanted === undefined || wanted === name) continue;
    findings.push({ in: 'header', name, pointer: '', detail: `could be taken for ${wanted}` });
  }
  return findings;
}

/** For `lookalikes`. */
export function spellings(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [withDashes(name.toLowerCase()), name.toLowerCase()]));
}

/** Hot path: hardly any name has one. */
function withDashes(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Bytes as the text that they are in UTF-8; undefined: they are none. */
export function utf8(bytes: string): string | undefined {
  // Hot path: ASCII is the same.
  if (!/[\u0080-\u00ff]/.test(bytes)) return bytes;
  try {
    return decoder.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Without its escapes, each of which must be whole; undefined where one is not, or the text is no UTF-8. */
export function unescaped(text: string): string | undefined {
  try {
    const plain = utf8(text);
    return plain === undefined ? undefined : decodeURIComponent(plain);
  } catch {
    return undefined;
  }
}

/** Names and values of a query or a form, in order, still escaped. */
export function pairsOf(query: string | undefined): [name: string, value: string][] {
  if (query === undefined) return [];
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs.map((pair) => {
    const end = pair.indexOf('=');
    return end < 0 ? [pair, ''] : [pair.slice(0, end), pair.slice(end + 1)];
  });
}

/** A name or value of a query: `+` is a space (WHATWG URL section 5.1). */
export function queryText(text: string): string | undefined {
  return unescaped(text.replaceAll('+', ' '));
}

/** Names and values of Cookie, as they stand. */
export function cookiesOf(header: string | undefined): [name: string, value: string][] {
  return (header ?? '').split(';').flatMap((pair): [string, string][] => {
    const end = pair.indexOf('=');
    return end < 0
      ? []
      : [
          [
            pair.slice(0, end).trim(),
            pair
              .slice(end + 1)
              .trim()
              .replace(/^"(.*)"$/s, '$1'),
          ],
        ];
  });
}
