import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { HeaderEdits, HeadersSpec } from '@causeway/model/filters/headers';
import {
  type HeaderEditsSchema,
  type Headers,
  HeadersSchema,
  type TemplateHeaderSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileTemplate } from '../compile-template.ts';

export function compileHeaders({ request, response }: HeadersSpec): Headers {
  return create(HeadersSchema, { request: compileEdits(request), response: compileEdits(response) });
}

function compileEdits({ rename, remove, set, add }: HeaderEdits): MessageInitShape<typeof HeaderEditsSchema> {
  return {
    rename: Object.entries(rename)
      .map(([from, to]) => ({ from: from.toLowerCase(), to }))
      .toSorted((a, b) => (a.from < b.from ? -1 : 1)),
    remove,
    set: compileMap(set),
    add: compileMap(add),
  };
}

/** Sorted, so that equal headers give equal bytes in whatever order they were written. */
function compileMap(map: Readonly<Record<string, string>>): MessageInitShape<typeof TemplateHeaderSchema>[] {
  return Object.entries(map)
    .map(([name, text]) => ({ name: name.toLowerCase(), value: compileTemplate(text) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
