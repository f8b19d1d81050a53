import { malformed } from './api-error.ts';
import { duplicateKey } from '@causeway/runtime/duplicate-key';
import { jsonFaultAt } from './json-fault.ts';
import { textPlace } from './text-place.ts';

/** Parses a JSON body. 400 for what is not JSON, saying where and never what stands there, and for a repeated key. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // V8's message quotes the text, which may be a secret.
    throw malformed(`the body is not JSON from ${textPlace(text, jsonFaultAt(text))}`);
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
