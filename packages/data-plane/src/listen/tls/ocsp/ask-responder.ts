/** One question to a responder, by plain HTTP (RFC 6960 appendix A). */

import { type AskLimits, askUrl } from '../../../upstream/ask-url.ts';

export type AskOptions = Pick<AskLimits, 'resolver' | 'ownPorts' | 'signal'> & {
  /** Default `askDeadlineMs`. */
  readonly deadlineMs?: number;
};

export const askDeadlineMs = 10_000;
/** An answer with some certificates has a few thousand. */
export const responseBytesMax = 64 * 1024;

/** The body of the answer. Rejects as `askUrl` does. */
export function askResponder(responder: URL, question: Uint8Array, options: AskOptions): Promise<Buffer> {
  const headers = { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' };
  return askUrl(
    responder,
    { method: 'POST', headers, body: question },
    { deadlineMs: askDeadlineMs, bytesMax: responseBytesMax, ...options },
  );
}
