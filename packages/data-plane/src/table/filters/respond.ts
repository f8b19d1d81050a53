import type { RespondSettings } from '@causeway/filters/respond';
import type { Respond } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { readTemplate } from '../read-template.ts';

export function readRespond({ status, headers, body }: Respond): RespondSettings {
  return {
    status,
    headers: headers.map(({ name, value }) => ({ name, value: readTemplate(value) })),
    body: readTemplate(body),
  };
}
