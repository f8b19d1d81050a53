/** What holds for a body of one media type. */

import { duplicateKey } from '@causeway/runtime/duplicate-key';
import type { JsonSchema } from './json-schema.ts';
import { parseJson } from './number-text.ts';
import type { RequestFinding } from './request-parts.ts';

/** Judges whole bodies. */
export interface BodyRule {
  readonly schema: JsonSchema;
  judge(body: Uint8Array): readonly RequestFinding[];
}

export const wrong = (detail: string, pointer = ''): RequestFinding => ({ in: 'body', pointer, detail });

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Refuses what readers of JSON understand differently: bytes that are no UTF-8, a byte order mark, and keys that stand twice. */
export function jsonRule(schema: JsonSchema): BodyRule {
  return {
    schema,
    judge: (body) => {
      let text: string;
      try {
        text = decoder.decode(body);
      } catch {
        return [wrong('is not text in UTF-8')];
      }
      let value: unknown;
      try {
        value = parseJson(text);
      } catch {
        return [wrong('is not JSON')];
      }
      if (duplicateKey(text) !== undefined) return [wrong('has a key twice in one object')];
      return schema.judge(value, body.length).map(({ pointer, detail }) => wrong(detail, pointer));
    },
  };
}
