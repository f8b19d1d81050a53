/** Fields that belong to one connection and never cross the gateway (RFC 9110 section 7.6.1). */

import type { HeaderList } from './exchange.ts';
import { headerValues } from './header-list.ts';
import { isIdentityHeader } from './identity-headers.ts';
import type { Refusal } from './reasons.ts';

const hopByHop: ReadonlySet<string> = new Set([
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
]);

/** Made anew for each side: copying it would let two servers disagree about where a message ends. */
const framing: ReadonlySet<string> = new Set(['content-length', 'content_length', 'transfer_encoding']);

/** Naming one of these would take it away from the upstream, or make it look as if it had never been there. */
const notToBeNominated: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
]);

const nothing: ReadonlySet<string> = new Set();

/** The fields that Connection names, in lower case; a refusal when it names one that it must not. */
export function nominatedHeaders(headers: HeaderList): ReadonlySet<string> | Refusal {
  const nominated = readNominated(headers);
  for (const name of nominated) {
    if (notToBeNominated.has(name) || isIdentityHeader(name)) {
      return { reason: 'bad_request', detail: `Connection must not name the field ${name}.` };
    }
  }
  return nominated;
}

/** The same of a response, of which nothing is refused. */
export function readNominated(headers: HeaderList): ReadonlySet<string> {
  const values = headerValues(headers, 'connection');
  if (values.length === 0) return nothing;
  // The usual values name no field, and need no set.
  if (values.length === 1 && /^(keep-alive|close)$/i.test(values[0]!)) return nothing;
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== '' && name !== 'keep-alive' && name !== 'close'));
}

/** Whether a field stays behind. `lowerName` is in lower case. */
export function staysBehind(lowerName: string, nominated: ReadonlySet<string>): boolean {
  return hopByHop.has(lowerName) || framing.has(lowerName) || nominated.has(lowerName);
}
