// An upstream that sends as fast as it may, and says how much it could get rid of: the other end of a backpressure test.

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';

const chunk = Buffer.alloc(64 * 1024, 'x');

export interface StreamUpstream extends Upstream {
  /** Body bytes of all responses that the kernel has taken: what lies in buffers between here and the client counts. */
  readonly bytesTaken: number;
}

/** Answers 200 with `mebibytes` MiB of `x`, never ahead of the connection's backpressure. */
export async function startStream(owner: Owner, mebibytes: number): Promise<StreamUpstream> {
  let bytesTaken = 0;
  const server = createServer((request, response) => {
    request.resume();
    pour(response, mebibytes * 1024 * 1024, (bytes) => {
      bytesTaken += bytes;
    }).catch(() => response.destroy());
  });
  const port = await listen(owner, server);
  return {
    port,
    get bytesTaken() {
      return bytesTaken;
    },
  };
}

async function pour(
  response: ServerResponse,
  bodyBytes: number,
  onTaken: (bytes: number) => void,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bodyBytes });
  for (let rest = bodyBytes; rest > 0; rest -= chunk.length) {
    const part = rest < chunk.length ? chunk.subarray(0, rest) : chunk;
    const more = response.write(part, (error) => {
      if (!error) onTaken(part.length);
    });
    if (!more) await once(response, 'drain', { signal: gone.signal });
  }
  response.end();
}
