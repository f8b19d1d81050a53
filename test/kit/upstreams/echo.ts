// An upstream that answers what it saw, so that a test can tell what the gateway sent.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';

export interface Echo {
  /** The name given to the upstream, to tell several apart. */
  readonly upstream: string;
  readonly method: string;
  /** The request target as it came, query included. */
  readonly target: string;
  /** Every header line in order, names as they came, duplicates kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bodyBytes: number;
  readonly bodySha256: string;
}

export interface EchoUpstream extends Upstream {
  /** How many requests have arrived with their whole body. */
  readonly requests: number;
}

/** Answers 200 with an `Echo` as JSON once the request's body has ended. */
export async function startEcho(owner: Owner, name = 'echo'): Promise<EchoUpstream> {
  let requests = 0;
  const server = createServer((request, response) => {
    request.once('end', () => {
      requests += 1;
    });
    // It rejects when the request was cut off, and whoever cut it off expects no answer.
    answer(name, request, response).catch(() => response.destroy());
  });
  const port = await listen(owner, server);
  return {
    port,
    get requests() {
      return requests;
    },
  };
}

async function answer(upstream: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bodyBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bodyBytes += chunk.length;
  }
  const echo: Echo = {
    upstream,
    method: request.method ?? '',
    target: request.url ?? '',
    headers: pairs(request.rawHeaders),
    bodyBytes,
    bodySha256: hash.digest('hex'),
  };
  const body = JSON.stringify(echo);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  const lines: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '']);
  return lines;
}
