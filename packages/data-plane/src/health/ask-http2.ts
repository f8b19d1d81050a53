/** One question of a check over HTTP/2, on a connection of its own. */

import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';

import { clientOptions } from '../upstream/http2/session-options.ts';
import { type CheckAnswer, type CheckFields, type CheckQuestion, readBeginning } from './check-answer.ts';

const headBytesMax = 16_384;

/** As `askHttp1`. */
export async function askHttp2(
  socket: Socket,
  scheme: 'http' | 'https',
  question: CheckQuestion,
  signal: AbortSignal,
): Promise<CheckAnswer> {
  const session = connect(`${scheme}://upstream`, {
    ...clientOptions(headBytesMax),
    createConnection: () => socket,
  });
  try {
    return await ask(session, scheme, question, signal);
  } finally {
    session.destroy();
  }
}

function ask(
  session: ClientHttp2Session,
  scheme: string,
  { method, path, authority, headers, body }: CheckQuestion,
  signal: AbortSignal,
): Promise<CheckAnswer> {
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    session.on('close', () => reject(new Error('closed before it answered')));
    const fields = {
      ':method': method,
      ':path': path,
      ':scheme': scheme,
      ':authority': authority,
      ...fieldsOf(headers),
    };
    const stream = session.request(fields, { endStream: body === undefined });
    let trailers: CheckFields = {};
    stream.on('trailers', (found: IncomingHttpHeaders) => {
      trailers = found;
    });
    stream.on('error', reject);
    stream.on('response', (head) => {
      readBeginning(stream, signal).then(
        (read) => resolve({ status: Number(head[':status']), fields: head, body: read, trailers }),
        reject,
      );
    });
    if (body !== undefined) stream.end(body);
  });
}

/** A name may be there more than once. */
function fieldsOf(headers: CheckQuestion['headers']): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const [name, value] of headers) (fields[name] ??= []).push(value);
  return fields;
}
