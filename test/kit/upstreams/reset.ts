// An upstream that breaks every connection with a TCP reset, at the moment the test is about.

import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';

export type ResetMoment = 'beforeHead' | 'afterHead' | 'midBody';

const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n';
const written: Readonly<Record<ResetMoment, string>> = {
  beforeHead: '',
  afterHead: head,
  midBody: head + 'x'.repeat(50),
};

/** Lets the bytes before a reset arrive, so that the gateway meets the reset where the test wants it. */
const settleMs = 30;

export interface ResetUpstream extends Upstream {
  /** Connections reset so far. */
  readonly resets: number;
}

/** Reads a request's head, writes what comes before `moment` (of a body of 100 bytes, 50), and resets the connection. */
export async function startReset(owner: Owner, moment: ResetMoment): Promise<ResetUpstream> {
  let resets = 0;
  const server = createServer((socket) => {
    let seen = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const before = seen.includes('\r\n\r\n');
      seen = (seen + chunk).slice(-65_536);
      if (before || !seen.includes('\r\n\r\n')) return;
      resets += 1;
      void breakAfter(socket, written[moment]);
    });
  });
  const port = await listen(owner, server);
  return {
    port,
    get resets() {
      return resets;
    },
  };
}

async function breakAfter(socket: Socket, bytes: string): Promise<void> {
  if (bytes !== '') {
    socket.write(bytes);
    await sleep(settleMs);
  }
  socket.resetAndDestroy();
}
