import type { JsonChange, TransformJsonSettings } from '@causeway/filters/json/transform-json';
import {
  type JsonChange as CompiledChange,
  JsonOp,
  type TransformJson,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import { readTemplate } from '../read-template.ts';

export function readTransformJson({ request, response, bodyBytesMax }: TransformJson): TransformJsonSettings {
  return {
    request: request.map(readChange),
    response: response.map(readChange),
    bodyBytesMax: Number(bodyBytesMax),
  };
}

function readChange({ op, path, from, value, texts }: CompiledChange): JsonChange {
  const known = ops[op];
  if (known === undefined) throw new UnknownChoice(`operation ${op} on JSON`);
  return {
    op: known,
    path,
    from,
    value,
    texts: texts.map(({ at, text }) => ({ at, text: readTemplate(text) })),
  };
}

const ops: Readonly<Record<number, JsonChange['op']>> = {
  [JsonOp.ADD]: 'add',
  [JsonOp.REMOVE]: 'remove',
  [JsonOp.REPLACE]: 'replace',
  [JsonOp.MOVE]: 'move',
  [JsonOp.COPY]: 'copy',
};
