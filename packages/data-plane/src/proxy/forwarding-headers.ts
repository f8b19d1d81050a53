/** The head that goes upstream: what may cross of the client's, then what the gateway says of the client. */

import type { HeaderList } from './exchange.ts';
import { joinedHeader } from './header-list.ts';
import { staysBehind } from './hop-by-hop.ts';
import { hasUnderscore, isIdentityHeader, isOwnIdentityHeader } from './identity-headers.ts';

export interface ForwardedRequest {
  readonly headers: HeaderList;
  readonly nominated: ReadonlySet<string>;
  /** Host for the upstream; empty when the client named none. */
  readonly authority: string;
  /** Of the socket, not of the client behind a proxy. */
  readonly peerAddress: string;
  readonly peerIsTrusted: boolean;
  readonly scheme: 'http' | 'https';
  /** Port that the client connected to. */
  readonly localPort: number;
  readonly requestId: string;
}

/** Written anew for every request; a trusted proxy's are taken into account where they are written. */
const rewritten: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-request-id',
  'host',
]);

/** Traces of strangers would mix with ours. */
const traceHeaders: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

/**
 * Hop-by-hop fields, framing, Expect and claims of identity stay behind, then Host and the forwarding fields are added: in this
 * order, so that nothing the client sends can take away or precede what the gateway says.
 */
export function upstreamHeaders(request: ForwardedRequest): string[] {
  const { headers, nominated, peerIsTrusted } = request;
  const sent: string[] = request.authority === '' ? [] : ['host', request.authority];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    const lowerName = name.toLowerCase();
    if (staysBehind(lowerName, nominated) || lowerName === 'expect' || rewritten.has(lowerName)) continue;
    if (isIdentityHeader(lowerName) && !mayClaim(lowerName, peerIsTrusted)) continue;
    if (!peerIsTrusted && traceHeaders.has(lowerName)) continue;
    sent.push(name, headers[at + 1]!);
  }
  addForwarding(sent, request);
  return sent;
}

function mayClaim(lowerName: string, peerIsTrusted: boolean): boolean {
  return peerIsTrusted && !hasUnderscore(lowerName) && !isOwnIdentityHeader(lowerName);
}

function addForwarding(sent: string[], request: ForwardedRequest): void {
  const { headers, peerIsTrusted, peerAddress } = request;
  const before = (name: string): string | undefined =>
    peerIsTrusted ? joinedHeader(headers, name) : undefined;
  const chain = before('x-forwarded-for');
  sent.push('x-forwarded-for', chain === undefined ? peerAddress : `${chain}, ${peerAddress}`);
  sent.push('x-forwarded-proto', before('x-forwarded-proto') ?? request.scheme);
  const host = before('x-forwarded-host') ?? request.authority;
  if (host !== '') sent.push('x-forwarded-host', host);
  sent.push('x-forwarded-port', before('x-forwarded-port') ?? String(request.localPort));
  sent.push('x-request-id', request.requestId);
}
