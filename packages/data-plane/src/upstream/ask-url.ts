/** One question to a server outside: bounded in time and size, never to an address that no upstream may have. */

import { randomInt } from 'node:crypto';
import {
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, isIPv4 } from 'node:net';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import { checkUpstreamAddress, type OwnPorts } from './address-guard.ts';

export interface Question {
  /** Default GET. */
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** PEM of those who may have signed the server's certificate; default: those of the system. */
  readonly ca?: readonly string[];
}

/** An answer with another status than 200. */
export class RefusedQuestion extends Error {
  override readonly name = 'RefusedQuestion';
  readonly status: number;
  readonly body: Uint8Array;

  constructor(status: number, body: Uint8Array) {
    super(`it answers with status ${status}`);
    this.status = status;
    this.body = body;
  }
}

export interface AskLimits {
  readonly resolver: AddressResolver;
  readonly ownPorts: OwnPorts;
  /** Ends it from outside. */
  readonly signal: AbortSignal;
  /** For everything, from the name of the server to the last byte of its answer. */
  readonly deadlineMs: number;
  readonly bytesMax: number;
}

/**
 * The body of the answer. Redirects are not followed. Rejects when there is none in time, when it is too large, or not 200.
 * @throws ForbiddenAddress where no upstream may be either
 */
export async function askUrl(url: URL, question: Question, limits: AskLimits): Promise<Buffer> {
  const { resolver, ownPorts, deadlineMs } = limits;
  limits.signal.throwIfAborted();
  const late = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([limits.signal, late]);
  try {
    const address = await addressOf(url.hostname.replace(/^\[|\]$/g, ''), resolver, signal);
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const refusal = checkUpstreamAddress(address, port, ownPorts);
    if (refusal !== undefined) throw refusal;
    return await readAnswer(await send(url, { address, port }, question, signal), limits.bytesMax);
  } catch (error) {
    if (late.aborted) throw new Error(`no answer within ${deadlineMs} ms`, { cause: error });
    throw error;
  }
}

function addressOf(name: string, resolver: AddressResolver, signal: AbortSignal): Promise<string> {
  if (isIP(name) !== 0) return Promise.resolve(name);
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

function send(
  url: URL,
  { address, port }: { address: string; port: number },
  { method = 'GET', headers, body, ca }: Question,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      host: address,
      port,
      method,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, ...headers, ...(body && { 'content-length': body.byteLength }) },
      agent: false,
      signal,
    };
    const request = url.protocol === 'https:' ? overTls(url, options, ca) : httpRequest(options);
    request.on('response', resolve);
    request.on('error', reject);
    request.end(body);
  });
}

function overTls(
  { hostname }: URL,
  options: RequestOptions,
  ca: readonly string[] | undefined,
): ClientRequest {
  const name = hostname.replace(/^\[|\]$/g, '');
  return httpsRequest({
    ...options,
    // Verified by the name that was asked for, not by the address that it has.
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca !== undefined && ca.length > 0 && { ca: [...ca] }),
  });
}

async function readAnswer(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the connection.
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  if (response.statusCode !== 200) throw new RefusedQuestion(response.statusCode ?? 0, body);
  return body;
}
