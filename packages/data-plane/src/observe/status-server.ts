/** The status listener: what operators and probes ask a node, over plain HTTP. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GatewayError } from '@causeway/runtime/errors';
import { explainListenError, type ListenAddress } from '@causeway/runtime/listen-address';
import { logListening } from '@causeway/runtime/listening-line';
import type { Logger } from '@causeway/runtime/logger';
import { type StatusPages, statusPaths } from '@causeway/runtime/status-pages';

export interface StatusServer {
  readonly port: number;
  close(): void;
}

export interface StatusServerOptions {
  readonly address: ListenAddress;
  readonly pages: StatusPages;
  readonly logger: Logger;
}

/** Probes are few; more connections than this are something else. */
const connectionsMax = 256;
const requestTimeoutMs = 10_000;

/** Opens the listener. @throws GatewayError that names the flag when the address cannot be opened. */
export async function startStatusServer({
  address,
  pages,
  logger,
}: StatusServerOptions): Promise<StatusServer> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    answer(pages, request, response).catch((error: unknown) => {
      logger.error({ err: error }, 'a status page failed');
      response.destroy();
    });
  });
  server.maxConnections = connectionsMax;
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
  server.once('error', (error) => reject(listenFailure(error, address)));
  server.listen(address.port, address.host, () => {
    const bound = server.address();
    if (typeof bound === 'object' && bound !== null) resolve(bound);
  });
  const bound = await promise;
  server.on('error', (error) => logger.warn({ err: error }, 'status listener'));
  logListening(logger, 'status', bound);
  return {
    port: bound.port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(pages: StatusPages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const page = await pages({ target: url, accept: request.headers.accept });
  if (page === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`Not found. There are ${statusPaths.join(', ')}.\n`);
    return;
  }
  response.writeHead(page.status, { 'content-type': page.contentType, 'cache-control': 'no-store' });
  response.end(page.body);
}

function listenFailure(error: unknown, address: ListenAddress): unknown {
  const message = explainListenError(error, address, '--status-addr');
  if (message === undefined) return error;
  return new GatewayError({ code: 'listen_failed', message, httpStatus: 503, grpcStatus: 14, cause: error });
}
