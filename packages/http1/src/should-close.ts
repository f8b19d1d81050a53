/** Whether a connection lasts (RFC 9112 section 9.3). */

import { HeadFact, type MessageHead } from './message-head.ts';

/**
 * Whether whoever sent this head ends the connection after the message. HTTP/1.1 persists unless it says `close`, HTTP/1.0 ends unless it
 * says `keep-alive`; `close` wins. A response whose body lasts until the connection ends is for the caller to see.
 */
export function shouldClose(head: MessageHead): boolean {
  if ((head.facts & HeadFact.close) !== 0) return true;
  return head.minorVersion === 0 && (head.facts & HeadFact.keepAlive) === 0;
}
