import type { HeaderEdits, HeadersSettings } from '@causeway/filters/headers';
import type {
  HeaderEdits as CompiledEdits,
  Headers,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { readTemplate } from '../read-template.ts';

export function readHeaders({ request, response }: Headers): HeadersSettings {
  return { request: readEdits(request), response: readEdits(response) };
}

function readEdits(edits: CompiledEdits | undefined): HeaderEdits {
  if (edits === undefined) throw new Error('changes of headers are missing');
  const { rename, remove, set, add } = edits;
  return {
    rename: rename.map(({ from, to }) => ({ from, to })),
    remove,
    set: set.map(({ name, value }) => ({ name, value: readTemplate(value) })),
    add: add.map(({ name, value }) => ({ name, value: readTemplate(value) })),
  };
}
