// New connections at a constant rate, each with one request: what a client sees that knows no keep-alive.

import { connect } from 'node:net';
import { onEnd, type Owner } from './owner.ts';

const answerTimeoutMs = 20_000;
const tickMs = 10;

export interface ArrivalsOptions {
  port: number;
  /** Connections a second. */
  rate: number;
  /** The target of each is this with `?N` behind it. */
  path: string;
}

export interface ArrivalsResult {
  readonly ok: number;
  /** By reason; status 200 with its whole head and a close behind it is no failure. */
  readonly failures: Readonly<Record<string, number>>;
  /** Targets of those that failed. */
  readonly failed: readonly string[];
}

export interface Arrivals {
  readonly result: ArrivalsResult;
  /** Waits for the connections that are there and returns the final counts. */
  stop(): Promise<ArrivalsResult>;
}

export function startArrivals(owner: Owner, { port, rate, path }: ArrivalsOptions): Arrivals {
  const open = new Set<Promise<void>>();
  const failures: Record<string, number> = {};
  const failed: string[] = [];
  let ok = 0;
  const arrive = async (target: string): Promise<void> => {
    const failure = await visit(port, `GET ${target} HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n`);
    if (failure === undefined) {
      ok += 1;
      return;
    }
    failures[failure] = (failures[failure] ?? 0) + 1;
    failed.push(target);
  };
  let begun = 0;
  const startMs = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * rate;
    for (; begun < due; begun += 1) {
      const visiting = arrive(`${path}?${begun}`).finally(() => open.delete(visiting));
      open.add(visiting);
    }
  }, tickMs);
  const stop = async (): Promise<ArrivalsResult> => {
    clearInterval(timer);
    await Promise.all(open);
    return { ok, failures, failed };
  };
  onEnd(owner, async () => void (await stop()));
  return {
    get result() {
      return { ok, failures, failed };
    },
    stop,
  };
}

/** Why there was no answer; undefined: there was one. */
function visit(port: number, request: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket.setTimeout(answerTimeoutMs, () => {
    resolve(`no answer within ${answerTimeoutMs} ms`);
    socket.destroy();
  });
  socket.on('connect', () => socket.write(request));
  socket.on('data', (piece: Buffer) => {
    text += piece.toString('latin1');
  });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
  socket.on('end', () => {
    const [, status] = /^HTTP\/1\.1 (\d{3}) [^]*\r\n\r\n/.exec(text) ?? [];
    resolve(
      status === '200' ? undefined : status === undefined ? 'closed without an answer' : `status ${status}`,
    );
    socket.end();
  });
  return promise;
}
