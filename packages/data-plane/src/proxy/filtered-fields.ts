/** The fields of a request or an answer that filters have changed, before they go out. */

import type { Identity } from '@causeway/filters/identity';
import { checkField } from '@causeway/http1/write-head';

import type { FieldList } from './exchange.ts';

/** Whatever filters have put there: nothing may end a line early, or speak of framing. Hot path: what was there before, in the same order, was good then. */
export function checkFields(fields: FieldList, before: FieldList): void {
  let known = 0;
  for (let at = 0; at < fields.length; at += 2) {
    let same = known;
    while (same < before.length && (fields[at] !== before[same] || fields[at + 1] !== before[same + 1]))
      same += 2;
    if (same < before.length) known = same + 2;
    else checkField(fields[at]!, fields[at + 1]!);
  }
}

/** What the upstream is told of the caller; of clients no such fields cross (`identity-headers.ts`). */
export function addIdentity(fields: string[], { consumer, groups }: Identity): void {
  if (consumer !== undefined) fields.push('x-consumer-name', consumer);
  if (groups.length > 0) fields.push('x-consumer-groups', groups.join(','));
}
