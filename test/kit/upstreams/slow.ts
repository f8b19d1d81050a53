// An upstream that takes its time: before the response head, and before every byte of the body.

import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';

export interface SlowOptions {
  /** From the end of the request's head to the response head; default 0. */
  headDelayMs?: number;
  /** Before each byte of the body; default 0. */
  byteIntervalMs?: number;
  /** Default 10. */
  bodyBytes?: number;
}

export interface SlowUpstream extends Upstream {
  /** Requests that have begun. */
  readonly started: number;
  /** Requests whose connection the other side closed before the response was complete. */
  readonly aborted: number;
}

/** Answers 200 with a body of `x`, one byte in every interval. */
export async function startSlow(owner: Owner, options: SlowOptions = {}): Promise<SlowUpstream> {
  let started = 0;
  let aborted = 0;
  const server = createServer((request, response) => {
    started += 1;
    request.resume();
    response.once('close', () => {
      if (!response.writableEnded) aborted += 1;
    });
    // It rejects when the other side has gone, which `aborted` counts.
    trickle(response, options).catch(() => {});
  });
  const port = await listen(owner, server);
  return {
    port,
    get started() {
      return started;
    },
    get aborted() {
      return aborted;
    },
  };
}

async function trickle(response: ServerResponse, options: SlowOptions): Promise<void> {
  const { headDelayMs = 0, byteIntervalMs = 0, bodyBytes = 10 } = options;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { signal } = gone;
  if (headDelayMs > 0) await sleep(headDelayMs, undefined, { signal });
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': bodyBytes });
  response.flushHeaders();
  for (let sent = 0; sent < bodyBytes; sent += 1) {
    if (byteIntervalMs > 0) await sleep(byteIntervalMs, undefined, { signal });
    response.write('x');
  }
  response.end();
}
