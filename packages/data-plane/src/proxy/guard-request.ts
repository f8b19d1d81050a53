/** The first look at a request: what is ambiguous, too large or not for a gateway ends here. */

import type { BodyLength, HeaderList } from './exchange.ts';
import { requestBodyLength } from './framing.ts';
import { headerCount, headerValues } from './header-list.ts';
import { nominatedHeaders } from './hop-by-hop.ts';
import { parseAuthority, sameAuthority } from './host.ts';
import type { Refusal } from './reasons.ts';

/** Bounds on a request's head. */
export interface HeadLimits {
  /** Request line and fields, bytes. */
  readonly headBytesMax: number;
  readonly headersMax: number;
  readonly targetBytesMax: number;
}

interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: HeaderList;
  readonly scheme: 'http' | 'https';
}

/** What is known of a request that may go on. */
export interface GuardedRequest {
  /** For matching: lower case, without port; empty for an HTTP/1.0 request without Host. */
  readonly host: string;
  /** For the upstream: as the client wrote it. */
  readonly authority: string;
  /** Path and query, not yet canonical. */
  readonly target: string;
  readonly bodyLength: BodyLength;
  /** Fields that Connection names, in lower case. */
  readonly nominated: ReadonlySet<string>;
}

/** Octets of a request line apart from method and target: two blanks, `HTTP/1.1`, CRLF. */
const requestLineRest = 12;

/** RFC 9112 sections 3 and 6, as strictly as they allow: what two servers might read in two ways is refused. */
export function guardRequest(request: RequestHead, limits: HeadLimits): GuardedRequest | Refusal {
  const { method, httpVersion, headers } = request;
  const oversize = checkSize(request, limits);
  if (oversize !== undefined) return oversize;
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return bad('Only HTTP/1.1 and HTTP/1.0 are spoken here.');
  if (method === 'TRACE' || method === 'CONNECT')
    return { reason: 'not_implemented', detail: `${method} is not supported.` };
  const bodyLength = requestBodyLength(headers, httpVersion);
  if (typeof bodyLength === 'object') return bodyLength;
  const nominated = nominatedHeaders(headers);
  if ('reason' in nominated) return nominated;
  if (headerValues(headers, 'authorization').length > 1) return bad('Authorization is given twice.');
  const target = resolveTarget(request);
  return 'reason' in target ? target : { ...target, bodyLength, nominated };
}

function checkSize(request: RequestHead, limits: HeadLimits): Refusal | undefined {
  const { method, target, headers } = request;
  if (target.length > limits.targetBytesMax) return { reason: 'uri_too_long' };
  if (headerCount(headers) > limits.headersMax) return { reason: 'head_too_large' };
  let bytes = method.length + target.length + requestLineRest;
  // A colon and a line end for each field, and a blank that nearly all have.
  for (const text of headers) bytes += text.length + 2;
  return bytes > limits.headBytesMax ? { reason: 'head_too_large' } : undefined;
}

interface ResolvedTarget {
  readonly host: string;
  readonly authority: string;
  readonly target: string;
}

/** The four forms of a target (RFC 9112 section 3.2), of which authority-form is CONNECT's alone. */
function resolveTarget({
  method,
  target,
  httpVersion,
  headers,
  scheme,
}: RequestHead): ResolvedTarget | Refusal {
  const hosts = headerValues(headers, 'host');
  const [sent] = hosts;
  if (hosts.length > 1 || (sent === undefined && httpVersion === '1.1'))
    return bad('Exactly one Host is needed.');
  const authority = sent === undefined ? undefined : parseAuthority(sent);
  if (sent !== undefined && authority === undefined)
    return bad('Host is no host name with an optional port.');
  const named = { host: authority?.host ?? '', authority: sent ?? '' };
  if (target.startsWith('/')) return { ...named, target };
  if (target === '*' && method === 'OPTIONS') return { ...named, target };
  const absolute = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is.exec(target);
  if (absolute === null) return bad('The request target is neither a path nor a URL.');
  const [, givenScheme = '', givenAuthority = '', rest = ''] = absolute;
  if (givenScheme.toLowerCase() !== scheme) return bad(`The scheme of the target is not ${scheme}.`);
  const inTarget = parseAuthority(givenAuthority);
  if (inTarget === undefined) return bad('The target names no host with an optional port.');
  if (authority !== undefined && !sameAuthority(inTarget, authority, scheme === 'https' ? 443 : 80))
    return bad('Host and the host of the target differ.');
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return { host: inTarget.host, authority: inTarget.sent, target: path };
}

function bad(detail: string): Refusal {
  return { reason: 'bad_request', detail };
}
