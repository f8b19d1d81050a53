import { create } from '@bufbuild/protobuf';
import type { ApiSpecSpec } from '@causeway/model/kinds/api-spec';
import { qualifiedName } from '@causeway/model/resource';
import type { Compiled } from '@causeway/proto/compiled';
import { CompiledApiSpecSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { duplicateKey } from '@causeway/runtime/duplicate-key';
import { messageOf } from '@causeway/runtime/errors';
import { SchemaFault } from '@causeway/schema/schema-fault';
import { jsonBytes } from '../api/json-bytes.ts';
import { parseYamlText } from '../api/parse-yaml.ts';
import type { Entry } from '../store/resource-index.ts';
import { sortedJson } from './sorted-json.ts';

export function compileApiSpec(entry: Entry): Compiled {
  const { namespace, name } = entry.resource.metadata;
  return {
    kind: 'apispec',
    key: entry.key,
    value: create(CompiledApiSpecSchema, {
      name: qualifiedName(namespace, name),
      document: sortedJson(documentOf(entry.effective as ApiSpecSpec)),
    }),
  };
}

/** The document of an ApiSpec, read where it is a text. Throws SchemaFault for a text that is neither YAML nor JSON. */
export function documentOf({ document }: ApiSpecSpec): unknown {
  if (typeof document !== 'string') return document;
  try {
    return /^\s*\{/.test(document) ? parseJson(document) : parseYamlText(document);
  } catch (error) {
    throw new SchemaFault(messageOf(error));
  }
}

function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const repeated = duplicateKey(text);
  if (repeated !== undefined) throw new Error('a key stands twice in one object');
  if (jsonBytes(value, text.length * 2) === Infinity) throw new Error('the document is nested too deeply');
  return value;
}
