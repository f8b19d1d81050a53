/** The first look at a request that is well-formed: what is ambiguous or not for a gateway ends here. */

import { HeadFact } from '@causeway/http1/message-head';
import type { RequestHead } from '@causeway/http1/request-head';
import { TargetForm } from '@causeway/http1/request-target';

import { checkNominated } from './hop-by-hop.ts';
import { type Authority, parseAuthority } from './host.ts';
import type { Refusal } from './reasons.ts';

/** What is known of a request that may go on. */
export interface GuardedRequest {
  /** For matching: lower case, without port; empty for an HTTP/1.0 request without Host. */
  readonly host: string;
  /** For the upstream: as the client wrote it. */
  readonly authority: string;
  /** Path and query, not yet canonical; `*` for an OPTIONS request about the server. */
  readonly target: string;
}

const nobody: Authority = { sent: '', host: '' };

/** Framing, Host and the form of the target were judged by the codec. */
export function guardRequest(head: RequestHead, scheme: 'http' | 'https'): GuardedRequest | Refusal {
  const { method, target } = head;
  // After CONNECT the client may take the connection for a tunnel.
  if (method === 'TRACE' || method === 'CONNECT')
    return { reason: 'not_implemented', detail: `${method} is not supported.`, close: true };
  // RFC 9110 section 10.1.1.
  if ((head.facts & HeadFact.expectsOther) !== 0) return { reason: 'expectation_failed' };
  const refusal = checkNominated(head) ?? checkAuthorization(head);
  if (refusal !== undefined) return refusal;
  if (head.targetForm === TargetForm.absolute && head.targetScheme !== scheme)
    return bad(`The scheme of the target is not ${scheme}.`);
  const sent = head.targetAuthority ?? head.host;
  const authority = sent === undefined ? nobody : parseAuthority(sent);
  if (authority === undefined) return bad('Host is no host name with an optional port.');
  return { host: authority.host, authority: authority.sent, target: pathOf(target, head) };
}

/** Two servers may each believe another one of two credentials. */
function checkAuthorization({ names }: RequestHead): Refusal | undefined {
  const first = names.indexOf('authorization');
  const isTwice = first >= 0 && names.indexOf('authorization', first + 1) >= 0;
  return isTwice ? bad('Authorization is given twice.') : undefined;
}

/** RFC 9112 section 3.2.1: an empty path is `/`, but of OPTIONS it is the server (section 3.2.4). */
function pathOf(target: string, { method, targetForm, pathStart }: RequestHead): string {
  if (targetForm !== TargetForm.absolute) return target;
  const path = target.slice(pathStart);
  if (path === '' && method === 'OPTIONS') return '*';
  return path.startsWith('/') ? path : `/${path}`;
}

function bad(detail: string): Refusal {
  return { reason: 'bad_request', detail, close: true };
}
