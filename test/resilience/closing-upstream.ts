// An upstream that closes kept-alive connections at the worst moment, and remembers every request that reached it.

import { createServer, type Socket } from 'node:net';
import type { Owner } from '../kit/owner.ts';
import { parseRequest, parseRequestHead } from '../kit/raw-request.ts';
import { listen, type Upstream } from '../kit/upstreams/listen.ts';

/**
 * `idle`: after a response, so that the close and the next request may cross. `on-request`: with an RST when the next request has
 * begun to arrive, before any byte of an answer.
 */
export type CloseMoment = 'idle' | 'on-request';

export interface ClosingUpstream extends Upstream {
  /** Connections that were closed on purpose. */
  readonly closes: number;
  /** How often a request with this target began to arrive, whether or not it was answered. */
  seen(target: string): number;
}

export interface ClosingOptions {
  readonly moment: CloseMoment;
  /** Of the connections that have answered a request, how many are closed before they answer another: 0 to 1. */
  readonly share: number;
  readonly random: () => number;
}

const idleMsMax = 3;
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

export async function startClosing(
  owner: Owner,
  { moment, share, random }: ClosingOptions,
): Promise<ClosingUpstream> {
  const seen = new Map<string, number>();
  let closes = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new Connection(socket, (target) => seen.set(target, (seen.get(target) ?? 0) + 1));
    connection.onIdle = () => {
      if (random() >= share) return;
      closes += 1;
      if (moment === 'on-request') connection.isDoomed = true;
      else setTimeout(() => socket.end(), random() * idleMsMax);
    };
  });
  const port = await listen(owner, server);
  return {
    port,
    get closes() {
      return closes;
    },
    seen: (target) => seen.get(target) ?? 0,
  };
}

class Connection {
  isDoomed = false;
  onIdle: () => void = () => {};
  readonly #socket: Socket;
  readonly #onRequest: (target: string) => void;
  #unread: Buffer = Buffer.alloc(0);
  #isWithinRequest = false;

  constructor(socket: Socket, onRequest: (target: string) => void) {
    this.#socket = socket;
    this.#onRequest = onRequest;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    const head = this.#isWithinRequest ? undefined : parseRequestHead(this.#unread);
    if (head !== undefined) {
      this.#isWithinRequest = true;
      this.#onRequest(head.target);
    }
    if (this.isDoomed) {
      this.#socket.resetAndDestroy();
      return;
    }
    const parsed = parseRequest(this.#unread);
    if (parsed === undefined) return;
    this.#unread = this.#unread.subarray(parsed.bytesUsed);
    this.#isWithinRequest = false;
    this.#socket.write(answer);
    this.onIdle();
  }
}
