import { create } from '@bufbuild/protobuf';
import type { RespondSpec } from '@causeway/model/filters/respond';
import { type Respond, RespondSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileTemplate } from '../compile-template.ts';

/** What a body is when its author does not say. */
const contentTypeDefault = 'text/plain; charset=utf-8';

export function compileRespond({ status, headers, body }: RespondSpec): Respond {
  const written = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (body !== '' && !written.has('content-type')) written.set('content-type', contentTypeDefault);
  // Sorted, so that equal headers give equal bytes in whatever order they were written.
  const names = [...written.keys()].toSorted();
  return create(RespondSchema, {
    status,
    headers: names.map((name) => ({ name, value: compileTemplate(written.get(name)!) })),
    body: compileTemplate(body),
  });
}
