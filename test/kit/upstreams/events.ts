// An upstream of event streams: what it sends, and in which pieces, a test says when it wants it.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';

/** A stream that is open. */
export interface OpenStream {
  /** The request target, query included. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface EventsUpstream extends Upstream {
  /** Open now, the oldest first. */
  readonly streams: readonly OpenStream[];
  /** So far. */
  readonly opened: number;
  /** Sends bytes to all that are open, as one piece. Resolves when the system has them. */
  send(bytes: string): Promise<void>;
  /** Ends all properly. */
  endAll(): void;
  /** Cuts all. */
  destroyAll(): void;
}

/**
 * By the path: `/events` is a `text/event-stream`, `/ndjson` an `application/x-ndjson`; `?framing=close` ends it with the connection and not with a last
 * chunk. `/status/NNN` is answered with that status. `/count?everyMs=N` counts by itself, an event each N ms, from 1 or
 * from what `last-event-id` says.
 */
export async function startEvents(owner: Owner): Promise<EventsUpstream> {
  const open = new Map<ServerResponse, OpenStream>();
  let opened = 0;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://events.test');
    const [, status] = /^\/status\/(\d{3})$/.exec(pathname) ?? [];
    if (status !== undefined) {
      response.writeHead(Number(status), { 'content-type': 'text/plain' }).end(`status ${status}`);
      return;
    }
    opened += 1;
    open.set(response, { target: request.url!, headers: request.headers });
    response.once('close', () => open.delete(response));
    response.useChunkedEncodingByDefault = searchParams.get('framing') !== 'close';
    const type = pathname === '/ndjson' ? 'application/x-ndjson' : 'text/event-stream';
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
    response.flushHeaders();
    if (pathname === '/count') count(request, response, Number(searchParams.get('everyMs')));
  });
  // A stream may be older than any request is meant to be.
  server.requestTimeout = 0;
  const port = await listen(owner, server);
  return {
    port,
    get streams() {
      return [...open.values()];
    },
    get opened() {
      return opened;
    },
    async send(bytes) {
      await Promise.all([...open.keys()].map((response) => written(response, bytes)));
    },
    endAll() {
      for (const response of open.keys()) response.end();
    },
    destroyAll() {
      for (const response of open.keys()) response.destroy();
    },
  };
}

function count(request: IncomingMessage, response: ServerResponse, everyMs: number): void {
  let last = Number(request.headers['last-event-id'] ?? 0);
  const timer = setInterval(() => {
    last += 1;
    response.write(`id: ${last}\ndata: ${last}\n\n`);
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}

/** One write of the response is one chunk, and on an idle connection one segment. */
async function written(response: ServerResponse, bytes: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  response.write(bytes, (error) => (error ? reject(error) : resolve()));
  return promise;
}
