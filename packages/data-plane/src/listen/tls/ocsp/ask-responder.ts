/** One question to a responder, by plain HTTP (RFC 6960 appendix A). */

import { randomInt } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import { checkUpstreamAddress, type OwnPorts } from '../../../upstream/address-guard.ts';

export interface AskOptions {
  readonly resolver: AddressResolver;
  readonly ownPorts: OwnPorts;
  /** Ends it from outside. */
  readonly signal: AbortSignal;
  /** Default `askDeadlineMs`. */
  readonly deadlineMs?: number;
}

/** For everything, from the name of the responder to the last byte of its answer. */
export const askDeadlineMs = 10_000;
/** An answer with some certificates has a few thousand. */
export const responseBytesMax = 64 * 1024;

/**
 * The body of the answer. Redirects are not followed. Rejects when there is none in time, when it is too large, or not 200.
 * @throws ForbiddenAddress where no upstream may be either
 */
export async function askResponder(
  responder: URL,
  question: Uint8Array,
  { resolver, ownPorts, signal: stop, deadlineMs = askDeadlineMs }: AskOptions,
): Promise<Buffer> {
  stop.throwIfAborted();
  const late = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([stop, late]);
  try {
    const address = await addressOf(responder.hostname.replace(/^\[|\]$/g, ''), resolver, signal);
    const port = Number(responder.port || 80);
    const refusal = checkUpstreamAddress(address, port, ownPorts);
    if (refusal !== undefined) throw refusal;
    return await readAnswer(await post(responder, { address, port }, question, signal));
  } catch (error) {
    if (late.aborted) throw new Error(`no answer within ${deadlineMs} ms`, { cause: error });
    throw error;
  }
}

function addressOf(name: string, resolver: AddressResolver, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      unwatch();
      reject(new Error(`the addresses of ${name} are not known in time`));
    };
    const unwatch = resolver.watch(name, (addresses) => {
      unwatch();
      signal.removeEventListener('abort', end);
      const v4 = addresses.filter((address) => isIPv4(address));
      const usable = v4.length > 0 ? v4 : addresses;
      // Another one next time, should this one not work.
      if (usable.length > 0) resolve(usable[randomInt(usable.length)]!);
      else reject(new Error(`${name} has no address`));
    });
    signal.addEventListener('abort', end, { once: true });
  });
}

function post(
  responder: URL,
  { address, port }: { address: string; port: number },
  question: Uint8Array,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: address,
      port,
      method: 'POST',
      path: `${responder.pathname}${responder.search}`,
      headers: {
        host: responder.host,
        'content-type': 'application/ocsp-request',
        'content-length': question.byteLength,
        accept: 'application/ocsp-response',
      },
      agent: false,
      signal,
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.end(question);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`the responder answers with status ${response.statusCode}`);
  }
  // Leaving the loop destroys the connection.
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > responseBytesMax) throw new Error(`the answer is larger than ${responseBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
