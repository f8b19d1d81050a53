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
import { sorted, sortedJson } from '../sorted-json.ts';

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
    ...(value !== undefined && { value: sortedJson(value) }),
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
