// An upstream with TLS that answers what it learnt of who connected, and whose certificate can change while it runs.

import { createServer } from 'node:https';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';

/** Chain and key, PEM. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface SeenTls {
  /** By SNI; false when none was sent. */
  readonly serverName: string | false;
  /** Common name of the client's certificate; empty without one. */
  readonly client: string;
  readonly host: string;
  readonly bodyBytes: number;
}

export interface TlsUpstream extends Upstream {
  /** Connections whose handshake was completed. */
  readonly connections: number;
  /** New connections get this one. */
  use(certificate: ServerCertificate): void;
}

/** Answers 200 with a `SeenTls` as JSON. */
export async function startTls(
  owner: Owner,
  { certificate: cert, key }: ServerCertificate,
  options: TlsOptions = {},
): Promise<TlsUpstream> {
  let connections = 0;
  const server = createServer({ cert, key, ...options }, (request, response) => {
    let bodyBytes = 0;
    request.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length;
    });
    request.on('end', () => {
      const socket = request.socket as TLSSocket & { servername: string | false };
      const client = String(socket.getPeerCertificate().subject?.CN ?? '');
      const seen: SeenTls = {
        serverName: socket.servername,
        client,
        host: request.headers.host ?? '',
        bodyBytes,
      };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(seen));
    });
  });
  server.on('secureConnection', () => {
    connections += 1;
  });
  // Handshakes that fail are what some tests are about.
  server.on('tlsClientError', () => {});
  const port = await listen(owner, server);
  return {
    port,
    get connections() {
      return connections;
    },
    use: (next) => server.setSecureContext({ ...options, cert: next.certificate, key: next.key }),
  };
}
