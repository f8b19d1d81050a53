/** One question of a check over HTTP/1.1, on a connection of its own. */

import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';

import { type CheckAnswer, type CheckQuestion, readBeginning } from './check-answer.ts';

/** Rejects when no head of a response came; the abort of `signal` ends a body. The socket is the caller's to destroy. */
export async function askHttp1(
  socket: Socket,
  { method, path, authority, headers }: CheckQuestion,
  signal: AbortSignal,
): Promise<CheckAnswer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest({
      method,
      path,
      headers: [['host', authority], ['connection', 'close'], ...lengthOf(method), ...headers].flat(),
      createConnection: () => socket,
    });
    request.on('response', resolve);
    request.on('upgrade', () => reject(new Error('the protocol was switched unasked')));
    request.on('error', reject);
    request.end();
  });
  const body = await readBeginning(response, signal);
  return { status: response.statusCode!, fields: response.headers, body, trailers: response.trailers };
}

/** Of methods that have content otherwise (RFC 9110 section 8.6); node:http would send an empty body in chunks. */
function lengthOf(method: string): [string, string][] {
  return ['POST', 'PUT', 'PATCH'].includes(method) ? [['content-length', '0']] : [];
}
