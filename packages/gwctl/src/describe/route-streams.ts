/** What a Route says of streams, as it is written; nothing where it says nothing. */

import type { Resource } from '@causeway/model/resource';
import type { Description } from './description.ts';

export function streamFields({ spec }: Resource): Description['fields'] {
  return [
    ['WebSocket', writtenText(spec['websocket'])],
    ['Event streams', writtenText(spec['sse'])],
    ['On expiry', writtenText(spec['onExpire'])],
  ];
}

/** `maxConnections 20000, opcodes text` */
function writtenText(block: unknown): string | undefined {
  const entries = Object.entries(block ?? {});
  const texts = entries.map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`,
  );
  return texts.length === 0 ? undefined : texts.join(', ');
}
