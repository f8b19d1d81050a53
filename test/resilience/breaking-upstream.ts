// An upstream that breaks every response where the request's target says: `.../KIND/ENDING/BYTES`.

import { createServer, type Socket } from 'node:net';
import type { Owner } from '../kit/owner.ts';
import { parseRequest, type RawRequest } from '../kit/raw-request.ts';
import { listen, type Upstream } from '../kit/upstreams/listen.ts';

/** How the body is framed. */
export const bodyKinds = ['length', 'chunked', 'untilClose'] as const;
/** How the connection ends. */
export const endings = ['fin', 'rst'] as const;

export interface BreakingUpstream extends Upstream {
  readonly broken: number;
  /** Requests that came on a connection after its response had broken off. */
  readonly reused: number;
}

/** Bytes of every body, had it been whole. */
const bodyBytes = 100_000;
const chunkBytes = 1000;
/** Lets the bytes before an RST arrive: the RST would take away what the other side has not read yet. */
const settleMs = 5;

export async function startBreaking(owner: Owner): Promise<BreakingUpstream> {
  const count = { broken: 0, reused: 0 };
  // Half-open, so that what is sent after the break is seen.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let unread: Buffer = Buffer.alloc(0);
    let isBroken = false;
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      const parsed = parseRequest(unread);
      if (parsed === undefined) return;
      unread = unread.subarray(parsed.bytesUsed);
      if (isBroken) count.reused += 1;
      isBroken = breakOff(socket, parsed.request);
      if (isBroken) count.broken += 1;
    });
    socket.on('end', () => socket.end());
  });
  const port = await listen(owner, server);
  return {
    port,
    get broken() {
      return count.broken;
    },
    get reused() {
      return count.reused;
    },
  };
}

/** False for `/ok`, where nothing breaks: that is answered 200 and `ok`. */
function breakOff(socket: Socket, { target }: RawRequest): boolean {
  const [kind = '', ending = '', bytes = ''] = target.split('/').slice(-3);
  if (target === '/ok') {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    return false;
  }
  socket.write(wholeResponse(kind).subarray(0, Number(bytes)));
  if (ending === 'fin') socket.end();
  else setTimeout(() => socket.resetAndDestroy(), settleMs);
  return true;
}

/** The response that is broken off somewhere; one without a length is whole only when the connection ends in order. */
export function wholeResponse(kind: string): Buffer {
  const framing = { length: `content-length: ${bodyBytes}\r\n`, chunked: 'transfer-encoding: chunked\r\n' }[
    kind
  ];
  const head = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${framing ?? ''}\r\n`);
  if (kind !== 'chunked') return Buffer.concat([head, Buffer.alloc(bodyBytes, 'x')]);
  const chunk = Buffer.concat([
    Buffer.from(`${chunkBytes.toString(16)}\r\n`),
    Buffer.alloc(chunkBytes, 'x'),
    Buffer.from('\r\n'),
  ]);
  const chunks = Array.from({ length: bodyBytes / chunkBytes }, () => chunk);
  return Buffer.concat([head, ...chunks, Buffer.from('0\r\n\r\n')]);
}
