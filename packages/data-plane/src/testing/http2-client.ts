/** A client of HTTP/2 that keeps what it gets. */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TestContext } from 'node:test';

import type { Asked, ClientFixture } from './client-fixture.ts';
import { until } from './http-client.ts';

/** A session that ends with the test. */
export function openSession(context: TestContext, { port }: { readonly port: number }): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  context.after(() => session.destroy());
  return session;
}

export interface Heard {
  readonly stream: ClientHttp2Stream;
  status: number;
  fields: Record<string, unknown>;
  readonly informational: number[];
  body: string;
  isEnded: boolean;
  isClosed: boolean;
}

/** Sends a request, and keeps what comes back. Without a body the stream ends with its head; null: it is left open. */
export function ask(session: ClientHttp2Session, fields: OutgoingHttpHeaders, body?: string | null): Heard {
  const heard = hear(session.request(fields, { endStream: body === undefined }));
  if (typeof body === 'string') heard.stream.end(body);
  return heard;
}

/** Keeps what comes back. */
export function hear(stream: ClientHttp2Stream): Heard {
  const heard: Heard = {
    stream,
    status: 0,
    fields: {},
    informational: [],
    body: '',
    isEnded: false,
    isClosed: false,
  };
  stream.on('error', () => {});
  stream.on('headers', (sent) => heard.informational.push(Number(sent[':status'])));
  stream.on('response', (sent) => {
    heard.status = Number(sent[':status']);
    heard.fields = sent;
  });
  stream.on('data', (chunk) => {
    heard.body += String(chunk);
  });
  stream.on('end', () => {
    heard.isEnded = true;
  });
  stream.on('close', () => {
    heard.isClosed = true;
  });
  return heard;
}

/** Waits for so many requests. */
export async function asked(fixture: ClientFixture, count = 1): Promise<Asked[]> {
  await until('the request', () => fixture.asked.length >= count);
  return fixture.asked;
}
