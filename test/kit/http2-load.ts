// A constant load over HTTP/2: several streams on each of several connections, each of which is opened anew when it is told to go.

import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onEnd, type Owner } from './owner.ts';

const answerTimeoutMs = 20_000;
const refused = 'refused';

export interface Http2LoadOptions {
  /** Of what is asked for; `http:` is spoken to with prior knowledge, certificates are not checked. */
  url: string;
  /** Default 4. */
  connections?: number;
  /** Requests under way on each; default 5. */
  streams?: number;
}

export interface Http2LoadResult {
  readonly ok: number;
  readonly failed: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** Connections that were opened. */
  readonly connections: number;
}

export interface Http2Load {
  readonly result: Http2LoadResult;
  /** Lets the requests under way end, and returns the final counts. */
  stop(): Promise<Http2LoadResult>;
}

/** Starts the load in this process. A connection that is refused, or fails before its first stream, ends with its reason. */
export function startHttp2Load(
  owner: Owner,
  { url, connections = 4, streams = 5 }: Http2LoadOptions,
): Http2Load {
  const stopping = new AbortController();
  const reasons: Record<string, number> = {};
  let [ok, opened] = [0, 0];
  const count = (reason: string | undefined): void => {
    if (reason === undefined) ok += 1;
    else reasons[reason] = (reasons[reason] ?? 0) + 1;
  };
  const { pathname } = new URL(url);
  const client = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const session = connect(url, { rejectUnauthorized: false });
      const leaving = new AbortController();
      for (const event of ['goaway', 'close'] as const) session.on(event, () => leaving.abort());
      session.on('error', () => leaving.abort());
      try {
        // Not 'connect': whoever waits to be accepted is connected too.
        await once(session, 'remoteSettings');
        await nextTurn();
      } catch (error) {
        count(`connection failed before its first answer: ${(error as NodeJS.ErrnoException).code}`);
        return;
      }
      opened += 1;
      const until = AbortSignal.any([stopping.signal, leaving.signal]);
      await Promise.all(Array.from({ length: streams }, () => askUntil(until, session, pathname, count)));
      session.close();
    }
  };
  const clients = Array.from({ length: connections }, client);
  const result = (): Http2LoadResult => {
    const failed = Object.values(reasons).reduce((sum, each) => sum + each, 0);
    return { ok, failed, reasons: { ...reasons }, connections: opened };
  };
  const stop = async (): Promise<Http2LoadResult> => {
    stopping.abort();
    await Promise.all(clients);
    return result();
  };
  onEnd(owner, async () => void (await stop()));
  return {
    get result() {
      return result();
    },
    stop,
  };
}

async function askUntil(
  over: AbortSignal,
  session: ClientHttp2Session,
  path: string,
  count: (reason: string | undefined) => void,
): Promise<void> {
  while (!over.aborted) {
    const fault = await ask(session, path);
    // Never handled (RFC 9113 section 8.7): node:http2 says so of each that it has not sent when GOAWAY comes. It is asked anew.
    if (fault !== refused) count(fault);
    // What came with the answer is told a little later.
    await nextTurn();
  }
}

/** Why there was no whole answer; undefined: there was one. */
function ask(session: ClientHttp2Session, path: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const stream = session.request({ [constants.HTTP2_HEADER_PATH]: path });
  let status: number | undefined;
  stream.setTimeout(answerTimeoutMs, () => resolve(`no answer within ${answerTimeoutMs} ms`));
  stream.on('response', (fields) => (status = fields[':status']));
  stream.on('error', (error: NodeJS.ErrnoException) =>
    resolve(
      stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? refused : `${error.code}: ${error.message}`,
    ),
  );
  stream.on('end', () => resolve(status === 200 ? undefined : `status ${status}`));
  stream.on('close', () => resolve(`reset with ${stream.rstCode}`));
  stream.resume();
  return promise;
}
