/** Fields that belong to one connection and never cross the gateway (RFC 9110 section 7.6.1). */

import type { RequestHead } from '@causeway/http1/request-head';

import { isIdentityHeader } from './identity-headers.ts';
import type { Refusal } from './reasons.ts';

/** Framing is made anew for each side: copying it would let two servers disagree about where a message ends. */
const staying: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
  'content_length',
  'transfer_encoding',
]);

/** Naming one of these would take it away from the upstream, or make it look as if it had never been there. */
const notToBeNominated: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
]);

/** A refusal when Connection names what it must not. */
export function checkNominated({ nominated }: RequestHead): Refusal | undefined {
  for (const name of nominated) {
    if (notToBeNominated.has(name) || isIdentityHeader(name))
      return { reason: 'bad_request', detail: `Connection must not name the field ${name}.`, close: true };
  }
  return undefined;
}

/** Whether a field stays behind. `lowerName` is in lower case; `nominated` are the fields that Connection names. */
export function staysBehind(lowerName: string, nominated: readonly string[]): boolean {
  return staying.has(lowerName) || (nominated.length > 0 && nominated.includes(lowerName));
}
