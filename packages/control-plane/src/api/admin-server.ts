import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '@causeway/runtime/listen-address';

/** A slow or silent client of the admin API is cut after this. */
const requestTimeoutMs = 60_000;
const requestHeadTimeoutMs = 10_000;
/** Requests under way when the server closes have this long; watches would hold it until their clients go. */
const closeGraceMs = 1000;
/** Connections at once, watches included; further ones are closed unanswered. Also bounds the writes that wait in line. */
const connectionsMax = 1024;

/** The HTTP server under the admin API. */
export class AdminServer {
  readonly #server: Server;

  constructor(app: RequestListener) {
    const timeouts = { requestTimeout: requestTimeoutMs, headersTimeout: requestHeadTimeoutMs };
    this.#server = createServer(timeouts, app);
    this.#server.maxConnections = connectionsMax;
  }

  /** Resolves with the address and port that it is bound to; rejects with the system's error. */
  listen({ host, port }: ListenAddress): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      setTimeout(() => this.#server.closeAllConnections(), closeGraceMs).unref();
    });
  }
}
