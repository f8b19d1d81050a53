/** The one place where errors of sockets, of TLS and of the codec become reasons that clients are told. */

import type { Fault } from '@causeway/http1/fault';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';

import type { UpstreamFailure } from '../proxy/exchange.ts';

/** No connection came about; undefined when it was closed without a word. */
export function connectFailure(error: unknown): UpstreamFailure {
  const detail = error === undefined ? 'closed while connecting' : describe(error);
  return { reason: 'upstream_connect_failed', detail, isBlameless: isOwnShortage(error) };
}

/** `known`: what is known of the reason. */
export function connectTimeout(timeoutMs: number, known: string | undefined): UpstreamFailure {
  const detail = `not connected within ${timeoutMs} ms`;
  return {
    reason: 'upstream_connect_failed',
    detail: known === undefined ? detail : `${detail}: ${known}`,
  };
}

/** The connection ended under a request; `error` is undefined for an ordinary end. */
export function resetFailure(error: unknown, hasAnswered: boolean): UpstreamFailure {
  const when = hasAnswered ? 'within its response' : 'before it answered';
  const how = error === undefined ? 'closed' : describe(error);
  return { reason: 'upstream_reset', detail: `${how} ${when}` };
}

/** Any client may ask for a WebSocket: an endpoint that has none to give must not be ejected for it. */
export const noWebSockets: UpstreamFailure = {
  reason: 'upstream_protocol_error',
  detail: 'the upstream takes no WebSocket over HTTP/2 (RFC 8441)',
  isBlameless: true,
};

export function protocolFailure({ detail }: Pick<Fault, 'detail'>): UpstreamFailure {
  return { reason: 'upstream_protocol_error', detail };
}

/** Why a check failed, in a few words and without an address, so that many endpoints may fail of one thing. */
export function checkFailure(error: unknown): string {
  const code = systemCodeOf(error);
  const words = code === undefined ? undefined : wordsOfCodes[code];
  const detail = words === undefined ? describe(error) : `${words} (${code})`;
  return detail.slice(0, checkDetailCharsMax);
}

/** Whether it is this machine that has run out of something, which says nothing about an endpoint. */
export function isOwnShortage(error: unknown): boolean {
  return ownShortages.has(systemCodeOf(error) ?? '');
}

/** Descriptors, memory, and ports to connect from. */
const ownShortages: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** TLS and HTTP parsers may quote what a peer has sent. */
const checkDetailCharsMax = 200;

const wordsOfCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
};

function describe(error: unknown): string {
  const code = systemCodeOf(error);
  const words = wordsOf(error, code);
  return code === undefined ? words : `${words} (${code})`;
}

/** Without what OpenSSL and Node say to developers: threads, places in source files, advice. */
function wordsOf(error: unknown, code: string | undefined): string {
  if (code?.startsWith('ERR_SSL_') && error instanceof Error && 'reason' in error)
    return `TLS: ${String(error.reason)}`;
  return messageOf(error).split('; if the root CA', 1)[0]!;
}
