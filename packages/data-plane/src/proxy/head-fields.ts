/** Reading the fields of a head that the codec has no place for. */

import type { MessageHead } from '@causeway/http1/message-head';

/** All values of the field, in order. `name` is in lower case. */
export function fieldValues({ names, fields }: MessageHead, name: string): string[] {
  const values: string[] = [];
  for (let at = names.indexOf(name); at >= 0; at = names.indexOf(name, at + 1))
    values.push(fields[2 * at + 1]!);
  return values;
}

/** The values joined as RFC 9110 section 5.3 allows, cookies by "; " (RFC 6265 section 5.4); undefined when there is none. */
export function joinedField(head: MessageHead, name: string): string | undefined {
  const { names, fields } = head;
  const first = names.indexOf(name);
  if (first < 0) return undefined;
  // Hot path: hardly any field is repeated.
  if (names.indexOf(name, first + 1) < 0) return fields[2 * first + 1];
  return fieldValues(head, name).join(name === 'cookie' ? '; ' : ', ');
}
