import { setImmediate as nextTurn } from 'node:timers/promises';
import { objectBytesMax } from '@causeway/model/rest';
import { type Document, isMap, isPair, isScalar, Lexer, parseAllDocuments, visit } from 'yaml';
import { ApiError, malformed } from './api-error.ts';
import { jsonBytes, nestingMax } from './json-bytes.ts';
import { textPlace } from './text-place.ts';

/** Aliases may make a document this many times larger, not more; a small document may always grow to so many bytes. */
const aliasGrowthMax = 10;
const aliasBytesFree = 10 * 1024;
/** Parsing costs by the token and the nesting, not by the byte. A document of the largest size that is not all punctuation has fewer. */
const tokensMax = 600_000;

/**
 * Parses a YAML 1.2 stream into plain values; empty documents do not count. 400, with line and column, for what is not
 * YAML, a repeated key, a key that is no scalar, an unknown tag, and aliases that expand too far; 413 for a document or a
 * number of documents over the limit. Messages never quote the text, which may be a secret. Works document by document
 * with a turn of the event loop between them, so that a large body holds up nobody.
 */
export async function parseYaml(text: string, documentsMax: number): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const { from, to } of splitYaml(text)) {
    const part: Part = { text, from, source: text.slice(from, to), index: values.length };
    checkCost(part);
    for (const document of parsed(part)) {
      const value = valueOf(document, part);
      if (value === null || value === undefined) continue;
      if (values.length === documentsMax)
        throw new ApiError('too_large', `more than ${documentsMax} documents`);
      values.push(value);
    }
    await nextTurn();
  }
  return values;
}

/** Parses a text that is one YAML document, which holds nothing else. Throws as `parseYaml` does. */
export function parseYamlText(text: string): unknown {
  const part: Part = { text, from: 0, source: text, index: 0 };
  checkCost(part);
  const documents = parsed(part);
  if (documents.length > 1) throw malformed('more than one document');
  return documents[0] === undefined ? null : valueOf(documents[0], part);
}

/** One document of the stream, and where it stands. */
interface Part {
  text: string;
  from: number;
  source: string;
  index: number;
}

/** Cuts a stream before each `---` line; the parser proper sees whole documents. */
function* splitYaml(text: string): Generator<{ from: number; to: number }> {
  let from = 0;
  for (const marker of text.matchAll(/^---(?=\s|$)/gm)) {
    if (marker.index > from) yield { from, to: marker.index };
    from = marker.index;
  }
  yield { from, to: text.length };
}

function checkCost({ source, index }: Part): void {
  if (Buffer.byteLength(source) > objectBytesMax)
    throw new ApiError(
      'too_large',
      `document ${index} has more than ${objectBytesMax} bytes, the most for one YAML document; send a list as several documents, or as JSON`,
    );
  let tokens = 0;
  let depth = 0;
  for (const token of new Lexer().lex(source)) {
    tokens += 1;
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > nestingMax) throw malformed(tooDeep(index));
    if (tokens > tokensMax)
      throw new ApiError('too_large', `document ${index} has more than ${tokensMax} YAML tokens`);
  }
}

function tooDeep(index: number): string {
  return `document ${index} is nested deeper than ${nestingMax} levels`;
}

function parsed(part: Part): Document.Parsed[] {
  // Repeated keys are looked for below: the library compares each key with each other one.
  const options = {
    version: '1.2',
    uniqueKeys: false,
    prettyErrors: false,
    resolveKnownTags: false,
  } as const;
  const documents = parseAllDocuments(part.source, options) as Document.Parsed[];
  for (const document of documents) {
    const fault = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0])[0];
    if (fault) throw faultAt(part, fault.pos[0], complaints.get(fault.code) ?? fault.message);
    checkKeys(document, part);
  }
  return documents;
}

/** The library's messages for these quote the text. */
const complaints: ReadonlyMap<string, string> = new Map([
  ['TAG_RESOLVE_FAILED', 'a tag that is not known; put a value that begins with "!" in quotes'],
  ['BAD_DQ_ESCAPE', 'an invalid escape sequence'],
  ['BAD_DIRECTIVE', 'an unknown directive'],
  ['UNEXPECTED_TOKEN', 'something that cannot stand here'],
]);

function checkKeys(document: Document.Parsed, part: Part): void {
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      for (const pair of map.items) {
        const key: unknown = isPair(pair) ? pair.key : undefined;
        const offset = (key as { range?: [number] } | null)?.range?.[0] ?? map.range?.[0] ?? 0;
        if (!isScalar(key)) throw faultAt(part, offset, 'a key that is not a plain value');
        const name = String(key.value);
        if (seen.has(name))
          throw faultAt(part, offset, `the key ${JSON.stringify(name)}, which stands twice in one mapping`);
        seen.add(name);
      }
    },
  });
}

function valueOf(document: Document.Parsed, part: Part): unknown {
  const { contents } = document;
  if (contents !== null && !isMap(contents) && !isEmpty(contents))
    throw malformed(`document ${part.index} is not a mapping`);
  const bytesMax = Math.max(part.source.length * aliasGrowthMax, aliasBytesFree);
  const value = resolved(document, part);
  const bytes = jsonBytes(value, bytesMax);
  if (bytes === Infinity) throw malformed(tooDeep(part.index));
  if (bytes > bytesMax) throw malformed(growsTooFar(part));
  return value;
}

function resolved(document: Document.Parsed, part: Part): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    // The library throws the same for both, and names the alias, which may be a password that begins with "*".
    if (!error.message.startsWith('Unresolved')) throw malformed(growsTooFar(part));
    throw malformed(
      `document ${part.index}: an alias without an anchor; put a value that begins with "*" in quotes`,
    );
  }
}

function growsTooFar({ index }: Part): string {
  return `document ${index}: aliases make it more than ${aliasGrowthMax} times larger`;
}

function isEmpty(contents: unknown): boolean {
  return isScalar(contents) && contents.value === null;
}

function faultAt({ text, from, index }: Part, offset: number, what: string): ApiError {
  return malformed(`document ${index} is not YAML: ${textPlace(text, from + offset)}: ${what}`);
}
