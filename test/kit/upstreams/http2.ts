// An upstream that speaks HTTP/2, with TLS or without, and answers what it saw. It can send its connections away as servers do that are to restart.

import { createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2';
import type { TlsOptions } from 'node:tls';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';
import type { ServerCertificate } from './tls.ts';

export interface Http2Echo {
  /** Every field in order, pseudo-header fields too. */
  readonly fields: readonly string[];
  readonly trailers: readonly string[];
  readonly body: string;
  /** By SNI; false or absent without TLS. */
  readonly serverName?: string | false;
}

export interface Http2Options {
  /** With TLS; absent: by prior knowledge. */
  readonly certificate?: ServerCertificate;
  readonly tls?: TlsOptions;
  /** After so many requests a connection gets GOAWAY, and takes no more. */
  readonly requestsPerConnection?: number;
  /** Streams that it takes at once. */
  readonly streamsMax?: number;
  readonly answer?: (stream: ServerHttp2Stream, echo: Http2Echo) => void;
}

export interface Http2Upstream extends Upstream {
  /** Connections so far. */
  readonly connections: number;
  /** Requests that have arrived with their whole body. */
  readonly requests: number;
}

/** Answers 200 with an `Http2Echo` as JSON. */
export async function startHttp2(owner: Owner, options: Http2Options = {}): Promise<Http2Upstream> {
  const {
    certificate,
    tls,
    requestsPerConnection = Infinity,
    streamsMax = 100,
    answer = answerEcho,
  } = options;
  const counts = { connections: 0, requests: 0 };
  const settings = { maxConcurrentStreams: streamsMax };
  const server =
    certificate === undefined
      ? createServer({ settings })
      : createSecureServer({ ...tls, cert: certificate.certificate, key: certificate.key, settings });
  server.on('session', (session) => {
    counts.connections += 1;
    session.on('error', () => {});
    let requests = 0;
    session.on('stream', (stream) => {
      requests += 1;
      // What comes from now on is not looked at (RFC 9113 section 6.8).
      if (requests === requestsPerConnection) session.close();
      stream.on('error', () => {});
    });
  });
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw) => {
    onRequest(stream, raw, (echo) => {
      counts.requests += 1;
      answer(stream, echo);
    });
  });
  // Handshakes that fail are what some tests are about.
  server.on('tlsClientError', () => {});
  const port = await listen(owner, server);
  return {
    port,
    get connections() {
      return counts.connections;
    },
    get requests() {
      return counts.requests;
    },
  };
}

/** Calls `then` when all of the request is there. */
function onRequest(stream: ServerHttp2Stream, fields: string[], then: (echo: Http2Echo) => void): void {
  let trailers: string[] = [];
  let body = '';
  stream.setEncoding('latin1');
  stream.on('data', (text: string) => {
    body += text;
  });
  stream.on('trailers', (_headers, _flags, raw: unknown) => {
    trailers = raw as string[];
  });
  stream.on('end', () => {
    const { servername } = (stream.session?.socket ?? {}) as { servername?: string | false };
    // After a reset the runtime tells an end as well.
    if (stream.destroyed || stream.closed) return;
    then({ fields, trailers, body, ...(servername !== undefined && { serverName: servername }) });
  });
}

export function answerEcho(stream: ServerHttp2Stream, echo: Http2Echo): void {
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end(JSON.stringify(echo));
}
