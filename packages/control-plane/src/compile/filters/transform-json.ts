import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type JsonOpSpec, textsIn, type TransformJsonSpec } from '@causeway/model/filters/transform-json';
import { parseJsonPointer } from '@causeway/model/json-pointer';
import { sizeBytes } from '@causeway/model/quantity';
import {
  type JsonChangeSchema,
  JsonOp,
  type TransformJson,
  TransformJsonSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileTemplate } from '../compile-template.ts';

export function compileTransformJson({ request, response, maxBodySize }: TransformJsonSpec): TransformJson {
  return create(TransformJsonSchema, {
    request: request.map(compileOp),
    response: response.map(compileOp),
    bodyBytesMax: BigInt(sizeBytes(maxBodySize)),
  });
}

function compileOp({ op, path, from, value }: JsonOpSpec): MessageInitShape<typeof JsonChangeSchema> {
  return {
    op: ops[op],
    path: parseJsonPointer(path)!,
    from: from === undefined ? [] : parseJsonPointer(from)!,
    ...(value !== undefined && { value: JSON.stringify(sorted(value)) }),
    // A text without a dollar stands for itself.
    texts: [...textsIn(sorted(value))]
      .filter(({ text }) => text.includes('$'))
      .map(({ text, at }) => ({ at: [...at], text: compileTemplate(text) })),
  };
}

const ops: Readonly<Record<JsonOpSpec['op'], JsonOp>> = {
  add: JsonOp.ADD,
  remove: JsonOp.REMOVE,
  replace: JsonOp.REPLACE,
  move: JsonOp.MOVE,
  copy: JsonOp.COPY,
};

/** By key, so that equal values give equal bytes in whatever order they were written. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
