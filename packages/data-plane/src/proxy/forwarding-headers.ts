/** The head that goes upstream: what may cross of the client's, then what the gateway says of the client. */

import type { MessageHead } from '@causeway/http1/message-head';
import type { RequestHead } from '@causeway/http1/request-head';

import type { ForwardingSettings } from '../table/gateway-settings.ts';
import { joinedField } from './head-fields.ts';
import { staysBehind } from './hop-by-hop.ts';
import { hasUnderscore, isIdentityHeader, isOwnIdentityHeader } from './identity-headers.ts';

export interface ForwardedRequest {
  readonly head: RequestHead;
  /** Host for the upstream; empty when the client named none. */
  readonly authority: string;
  /** Of the socket, not of the client behind a proxy. */
  readonly peerAddress: string;
  readonly peerIsTrusted: boolean;
  readonly scheme: 'http' | 'https';
  /** Port that the client connected to. */
  readonly localPort: number;
  readonly requestId: string;
  readonly forwarding: ForwardingSettings;
}

/** Written anew for every request; a trusted proxy's are taken into account where they are written. */
const rewritten: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-request-id',
  'host',
  'expect',
]);

/** This gateway in Via, with the version in which it got the message (RFC 9110 section 7.6.3). */
export function viaOf({ majorVersion, minorVersion }: MessageHead): string {
  return `${majorVersion}.${minorVersion} causeway`;
}

/** What happens to a field, by its name alone. */
const Crossing = { always: 0, never: 1, ofTrustedPeers: 2, trace: 3, counted: 4 } as const;
type Crossing = (typeof Crossing)[keyof typeof Crossing];

/** Hot path: one look-up for a name in place of six. Bounded, because names come from clients. */
const crossings = new Map<string, Crossing>();
const crossingsMax = 1024;

const nothing: readonly string[] = [];

/**
 * Hop-by-hop fields, framing, Expect and claims of identity stay behind, then Host and the forwarding fields are added: in this
 * order, so that nothing the client sends can take away or precede what the gateway says.
 */
export function upstreamFields(request: ForwardedRequest): string[] {
  const { head, authority } = request;
  const { names, fields, nominated } = head;
  const sent: string[] = authority === '' ? [] : ['host', authority];
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index]!;
    const crossing = crossings.get(name) ?? learnCrossing(name);
    if (crossing !== Crossing.always && !mayCross(crossing, name, request)) continue;
    if (nominated.length > 0 && nominated.includes(name)) continue;
    sent.push(fields[2 * index]!, fields[2 * index + 1]!);
  }
  addForwarding(sent, request);
  return sent;
}

function mayCross(crossing: Crossing, name: string, request: ForwardedRequest): boolean {
  if (crossing === Crossing.trace) return isTraceParent(request.head.valueOf('traceparent'));
  if (crossing === Crossing.counted) return request.head.method !== 'OPTIONS';
  // Where the gateway sends a Forwarded of its own it goes on with the one that came.
  if (name === 'forwarded' && request.forwarding.forwarded) return false;
  return crossing === Crossing.ofTrustedPeers && request.peerIsTrusted;
}

function learnCrossing(name: string): Crossing {
  const crossing = crossingOf(name);
  if (crossings.size < crossingsMax) crossings.set(name, crossing);
  return crossing;
}

function crossingOf(name: string): Crossing {
  if (rewritten.has(name) || staysBehind(name, nothing)) return Crossing.never;
  if (isIdentityHeader(name))
    return hasUnderscore(name) || isOwnIdentityHeader(name) ? Crossing.never : Crossing.ofTrustedPeers;
  if (name === 'traceparent' || name === 'tracestate') return Crossing.trace;
  if (name === 'max-forwards') return Crossing.counted;
  // Baggage is a claim about the request that applications act on; a trace id is not.
  return name === 'baggage' ? Crossing.ofTrustedPeers : Crossing.always;
}

/** `version-traceid-parentid-flags` (W3C Trace Context section 3.2.2); a broken one takes tracestate with it (section 3.3). */
function isTraceParent(value: string | undefined): boolean {
  return (
    value !== undefined &&
    /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/.test(value)
  );
}

function addForwarding(sent: string[], request: ForwardedRequest): void {
  const { head, peerIsTrusted, peerAddress, authority } = request;
  const chain = peerIsTrusted ? joinedField(head, 'x-forwarded-for') : undefined;
  const proto = peerIsTrusted ? joinedField(head, 'x-forwarded-proto') : undefined;
  const host = peerIsTrusted ? joinedField(head, 'x-forwarded-host') : undefined;
  const port = peerIsTrusted ? joinedField(head, 'x-forwarded-port') : undefined;
  sent.push('x-forwarded-for', chain === undefined ? peerAddress : `${chain}, ${peerAddress}`);
  sent.push('x-forwarded-proto', proto ?? request.scheme);
  if (host !== undefined || authority !== '') sent.push('x-forwarded-host', host ?? authority);
  sent.push('x-forwarded-port', port ?? String(request.localPort));
  sent.push('x-request-id', request.requestId);
  if (head.method === 'OPTIONS') {
    const hops = maxForwards(head);
    if (hops !== undefined) sent.push('max-forwards', String(hops - 1));
  }
  if (request.forwarding.forwarded) sent.push('forwarded', forwarded(request));
  // Those of other hops have crossed before.
  if (request.forwarding.via) sent.push('via', viaOf(head));
}

/** How often an OPTIONS request may be forwarded (RFC 9110 section 7.6.2); undefined: it does not say. */
export function maxForwards(head: RequestHead): number | undefined {
  const value = head.valueOf('max-forwards');
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** What a trusted proxy says of the hops before, and this hop (RFC 7239 section 4). */
function forwarded({ head, peerIsTrusted, peerAddress, authority, scheme }: ForwardedRequest): string {
  const chain = peerIsTrusted ? joinedField(head, 'forwarded') : undefined;
  const node = peerAddress.includes(':') ? `"[${peerAddress}]"` : peerAddress;
  const host = authority === '' ? '' : `;host=${authority.includes(':') ? `"${authority}"` : authority}`;
  const hop = `for=${node}${host};proto=${scheme}`;
  return chain === undefined ? hop : `${chain}, ${hop}`;
}
