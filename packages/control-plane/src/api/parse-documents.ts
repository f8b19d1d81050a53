import { fieldOf } from '@causeway/model/kinds/kind';
import { mediaTypes, objectBytesMaxOf } from '@causeway/model/rest';
import { ApiError, malformed } from './api-error.ts';
import { jsonBytes, nestingMax } from './json-bytes.ts';
import { parseJson } from './parse-json.ts';
import { parseYaml } from './parse-yaml.ts';

/** Documents in one request. */
export const documentsMax = 100_000;

/** Parses the one object of a body. Several YAML documents are a 400. */
export async function parseObject(text: string, mediaType: string): Promise<unknown> {
  const documents = await parseBody(text, mediaType);
  if (documents.length !== 1)
    throw malformed(
      `${documents.length} documents, where one is expected`,
      undefined,
      'POST several to /apply',
    );
  checkSize(documents[0], 'the object');
  return documents[0];
}

/** Parses a body into its documents: one JSON value, or any number of YAML documents (empty ones do not count). */
export async function parseBody(text: string, mediaType: string): Promise<unknown[]> {
  return mediaType === mediaTypes.yaml ? parseYaml(text, documentsMax) : [parseJson(text)];
}

/** Refuses an object that is larger than one may be, whatever it came in, or nested deeper than any is. */
export function checkSize(object: unknown, name: string, document?: number): void {
  const bytesMax = objectBytesMaxOf(fieldOf(object, 'kind'));
  const bytes = jsonBytes(object, bytesMax);
  if (bytes === Infinity) throw malformed(`${name} is nested deeper than ${nestingMax} levels`);
  if (bytes <= bytesMax) return;
  const detail = `larger than ${bytesMax} bytes as JSON, the most for one object`;
  const place = document === undefined ? {} : { document };
  throw new ApiError('too_large', `${name} is ${detail}`, {
    errors: [{ ...place, code: 'out_of_range', pointer: '', detail, hint: 'split it into several objects' }],
  });
}
