import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '@causeway/runtime/errors';
import { mediaTypes, objectBytesMax } from '@causeway/model/rest';
import { isMap, parseAllDocuments, type Document } from 'yaml';
import { ApiError, malformed } from './api-error.ts';
import { duplicateKey } from './duplicate-key.ts';

/** Documents in one request. */
const documentsMax = 100_000;
/** Aliases may make a document this many times larger, not more. */
const aliasGrowthMax = 10;

/** Parses the one object of a body. Several YAML documents are a 400. */
export async function parseObject(text: string, mediaType: string): Promise<unknown> {
  const documents = await parseBody(text, mediaType);
  if (documents.length !== 1)
    throw malformed(
      `${documents.length} documents, where one is expected`,
      undefined,
      'POST several to /apply',
    );
  return documents[0];
}

/** Parses a body into its documents: one JSON value, or any number of YAML documents (empty ones do not count). */
export async function parseBody(text: string, mediaType: string): Promise<unknown[]> {
  return mediaType === mediaTypes.yaml ? parseYaml(text) : [parseJson(text)];
}

function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(`the body is not JSON: ${messageOf(error)}`);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined)
    throw malformed(
      `the key ${JSON.stringify(twice)} stands twice in one object`,
      undefined,
      'readers differ on which one counts',
    );
  return value;
}

/** Parsed document by document with a turn of the event loop between them, so that a large body holds up nobody. */
async function parseYaml(text: string): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const part of splitYaml(text)) {
    if (part.length > objectBytesMax)
      throw new ApiError(
        'too_large',
        `document ${values.length} has more than ${objectBytesMax} bytes, the most for one object`,
      );
    if (values.length > documentsMax) throw new ApiError('too_large', `more than ${documentsMax} documents`);
    for (const document of parseAllDocuments(part, {
      uniqueKeys: true,
      version: '1.2',
    }) as Document.Parsed[]) {
      const value = yamlValue(document, values.length, part.length);
      if (value !== null && value !== undefined) values.push(value);
    }
    await nextTurn();
  }
  return values;
}

/** Cuts a stream before each `---` line; the parser proper sees whole documents. */
function* splitYaml(text: string): Generator<string> {
  let from = 0;
  for (const marker of text.matchAll(/^---(?=\s|$)/gm)) {
    if (marker.index > from) yield text.slice(from, marker.index);
    from = marker.index;
  }
  yield text.slice(from);
}

function yamlValue(document: Document.Parsed, index: number, bytes: number): unknown {
  const [error] = document.errors;
  if (error) throw malformed(`document ${index} is not YAML: ${error.message.split('\n')[0]}`);
  if (document.contents !== null && !isMap(document.contents))
    throw malformed(`document ${index} is not a mapping`);
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    const grown = JSON.stringify(value)?.length ?? 0;
    if (grown > Math.max(bytes, 1024) * aliasGrowthMax)
      throw new Error(`aliases make it more than ${aliasGrowthMax} times larger`);
    return value;
  } catch (error_) {
    throw malformed(`document ${index}: ${messageOf(error_)}`);
  }
}
