/** A small HTTP server to send traffic to, so that a first try needs no other program. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { GatewayError } from '@causeway/runtime/errors';
import { explainListenError, type ListenAddress } from '@causeway/runtime/listen-address';

export interface DemoUpstream {
  readonly name: string;
  /** Where it really listens, also when port 0 was asked for. */
  readonly address: ListenAddress;
  /** Ends every connection, the busy ones too. */
  close(): Promise<void>;
}

/** Longer than a gateway keeps an idle connection (60 s), so that it never meets one that is just being closed. */
const keepAliveTimeoutMs = 75_000;

/**
 * Starts an upstream. `/healthz` answers `ok`; every other path answers `{"upstream","path","host"}`, where `upstream` is
 * the first segment of the path, since one demo upstream may stand behind any Service, and the header `x-demo-upstream`
 * tells which one answered.
 * @throws GatewayError naming `flag` when the address cannot be opened.
 */
export async function startDemoUpstream(
  name: string,
  address: ListenAddress,
  flag: string,
): Promise<DemoUpstream> {
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, (request, response) => {
    // The body is of no interest, but unread it would block the connection for the next request.
    request.resume();
    answer(name, request, response);
  });
  server.listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenFailure(error, address, flag);
  }
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return {
    name,
    address: { host: address.host, port },
    close: () => closeServer(server),
  };
}

function answer(name: string, request: IncomingMessage, response: ServerResponse): void {
  const [path = '/'] = (request.url ?? '/').split('?');
  response.setHeader('x-demo-upstream', name);
  if (path === '/healthz') {
    response.setHeader('content-type', 'text/plain').end('ok\n');
    return;
  }
  const [, segment] = path.split('/');
  const body = JSON.stringify({ upstream: segment || name, path, host: request.headers.host });
  response.setHeader('content-type', 'application/json').end(`${body}\n`);
}

async function closeServer(server: ReturnType<typeof createServer>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function listenFailure(error: unknown, address: ListenAddress, flag: string): unknown {
  const message = explainListenError(error, address, flag);
  if (message === undefined) return error;
  return new GatewayError({ code: 'listen_failed', message, httpStatus: 503, grpcStatus: 14, cause: error });
}
