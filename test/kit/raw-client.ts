// A client that sends exactly the bytes it is told to: what a well-behaved HTTP library would never send.

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { onEnd, type Owner } from './owner.ts';
import { parseResponse, type ParseOptions, type RawResponse } from './raw-response.ts';

const waitTimeoutMs = 20_000;

/** How the other side ended the connection: `end` is a FIN, `reset` an RST. */
export type Ending = 'end' | 'reset';

/** Connects to a port on loopback; the connection is destroyed when `owner` ends. */
export async function rawConnect(owner: Owner, port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
  onEnd(owner, () => void socket.destroy());
  await once(socket, 'connect');
  return new RawClient(socket);
}

export class RawClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #ending: Ending | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#changed();
    });
    socket.on('end', () => this.#end('end'));
    socket.on('error', () => this.#end('reset'));
  }

  /** What has been received and not yet been taken by `readResponse` or `expect`. */
  get unread(): Buffer {
    return this.#received;
  }

  /** Sends bytes; a string is taken as latin-1, one character a byte. Resolves when the kernel has them. */
  async send(bytes: string | Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    this.#socket.write(data, (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  /**
   * Takes one whole response, an informational one included. Throws when the bytes are malformed, the connection ends within
   * it, or 20 s pass.
   */
  async readResponse(options: Pick<ParseOptions, 'head'> = {}): Promise<RawResponse> {
    return this.take('a whole response', (unread) => {
      const found = parseResponse(unread, { ...options, ended: this.#ending === 'end' });
      return found === undefined ? undefined : { taken: found.response, end: found.bytesUsed };
    });
  }

  /** Takes everything up to and including `text` (latin-1) and returns it. */
  async expect(text: string): Promise<string> {
    return this.take(JSON.stringify(text), (unread) => {
      const at = unread.indexOf(text, 0, 'latin1');
      const end = at + text.length;
      return at < 0 ? undefined : { taken: unread.toString('latin1', 0, end), end };
    });
  }

  /** Takes what `find` finds at the beginning of what is unread, once it does. */
  async take<T>(what: string, find: (unread: Buffer) => { taken: T; end: number } | undefined): Promise<T> {
    const { taken, end } = await this.#until(what, () => find(this.#received));
    this.#received = this.#received.subarray(end);
    return taken;
  }

  /** Half closes: no more bytes will be sent, but responses are still read. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Ends the connection with an RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Stops and goes on reading, for tests of backpressure. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until the other side ends the connection, at most 20 s. */
  async closed(): Promise<Ending> {
    return this.#until('the end of the connection', () => this.#ending, true);
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#changed();
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }

  async #until<T>(what: string, look: () => T | undefined, mayEnd = false): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(this.#error(`not within ${waitTimeoutMs} ms: ${what}`)),
      waitTimeoutMs,
    );
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        if (this.#ending !== undefined && !mayEnd)
          throw this.#error(`connection ${this.#ending} before ${what}`);
        await Promise.race([this.#wake.promise, late]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #error(complaint: string): Error {
    const shown = JSON.stringify(this.#received.toString('latin1', 0, 500));
    return new Error(`${complaint}; ${this.#received.length} bytes unread: ${shown}`);
  }
}
