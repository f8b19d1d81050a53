/** TLS of one port: its certificates by name, and what is demanded of clients. Made before it is needed, for what is wrong with it shows then. */

import { createHash, X509Certificate } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';

import type { HandshakeFailure } from '../arrival-counters.ts';
import { type ClientCertificate, clientCertificateOf } from './client-certificate.ts';
import { handshakeFailureOf } from './handshake-failure.ts';
import type { Staples } from './ocsp/staples.ts';
import { ServerNames } from './server-names.ts';

export interface TlsParts {
  /** The first one is also for clients that ask for no name, or for none of these. PEM, leaf first; at least one. */
  readonly certificates: readonly { readonly name: string; readonly chain: string; readonly key: string }[];
  /** Offered before HTTP/1.1. */
  readonly http2: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** In order of preference; empty = the runtime's list. */
  readonly ciphers: readonly string[];
  readonly clientAuth: 'none' | 'optional' | 'require';
  /** PEM; at least one when clients are asked for certificates. */
  readonly trust: readonly string[];
  /** Shown to clients that ask for it (RFC 6066 section 8); undefined = never. */
  readonly staples: Pick<Staples, 'find'> | undefined;
}

/** What is known of a client once its handshake is complete. */
export interface TlsFacts {
  /** As asked for, lower case. Undefined: by no name, or one that is not told, as in resumed sessions of TLS 1.2. */
  readonly serverName: string | undefined;
  /** Verified; undefined when none was asked for, or shown. */
  readonly clientCertificate: ClientCertificate | undefined;
}

export interface HandshakeOwner {
  /** The rest of the connection is `socket`. */
  onSecured(socket: TLSSocket, facts: TlsFacts): void;
  /** The connection closes. Called once, and not after `onSecured`. */
  onHandshakeFailed(failure: HandshakeFailure): void;
}

/** Of the event of node:tls. */
type OcspRequestArgs = [
  certificate: Buffer,
  issuer: Buffer | null,
  callback: (error: Error | null, response: Buffer | null) => void,
];

/** Of ALPN, in order of preference. */
const protocols = ['h2', 'http/1.1'];

/** Suites of TLS 1.3: a list of ciphers that names none of them is about TLS 1.2 and leaves these as they are. */
const newSuites = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];

export class TlsAcceptor {
  readonly #parts: TlsParts;
  #ticketKeys: Buffer;
  #server: Server;

  /** Throws an Error that names the Certificate and says what OpenSSL does not like about it; it quotes no key. */
  constructor(parts: TlsParts, ticketKeys: Buffer) {
    this.#parts = parts;
    this.#ticketKeys = ticketKeys;
    this.#server = createTlsServer(parts, ticketKeys);
  }

  /** Handshakes from now on make and take tickets of these keys. Connections are not concerned. */
  useTicketKeys(ticketKeys: Buffer): void {
    if (ticketKeys.equals(this.#ticketKeys)) return;
    this.#ticketKeys = ticketKeys;
    this.#server = createTlsServer(this.#parts, ticketKeys);
  }

  /** Begins a handshake on `accepted`, a socket that nobody has begun to read, or that has been given back what was read. */
  accept(accepted: Socket, owner: HandshakeOwner): void {
    // Within a handshake the end of what the client sends is its failure.
    accepted.allowHalfOpen = false;
    const hear = (event: string, ...args: unknown[]): boolean => {
      if (event === 'secureConnection') this.#onSecured(args[0] as TLSSocket, owner);
      else if (event === 'OCSPRequest') this.#onOcspRequest(...(args as OcspRequestArgs));
      else if (event === 'tlsClientError') {
        const [error, { authorizationError }] = args as [NodeJS.ErrnoException, TLSSocket];
        // Whoever shows a certificate that nobody trusts is let finish, and then hung up on.
        const isUntrusted = authorizationError as unknown;
        owner.onHandshakeFailed(isUntrusted ? 'clientCertificate' : handshakeFailureOf(error.code));
      }
      return true;
    };
    // The server as this connection sees it: its events come to the owner, who would not know them apart in the server's own.
    const view = Object.create(this.#server, { emit: { value: hear } }) as Server;
    EventEmitter.prototype.emit.call(view, 'connection', accepted);
  }

  /** At once, with what there is: no handshake waits for an authority. */
  #onOcspRequest(certificate: Buffer, _issuer: Buffer | null, callback: OcspRequestArgs[2]): void {
    callback(null, this.#parts.staples?.find(certificate) ?? null);
  }

  #onSecured(socket: TLSSocket, owner: HandshakeOwner): void {
    const { clientAuth } = this.#parts;
    const shown = clientAuth === 'none' ? undefined : socket.getPeerX509Certificate();
    const isRefused = shown === undefined ? clientAuth === 'require' : !socket.authorized;
    if (isRefused) {
      socket.destroy();
      owner.onHandshakeFailed('clientCertificate');
      return;
    }
    socket.allowHalfOpen = true;
    // False when there is none.
    const { servername } = socket as { servername?: string | false | null };
    owner.onSecured(socket, {
      serverName: servername ? servername.toLowerCase() : undefined,
      clientCertificate: shown && clientCertificateOf(shown),
    });
  }
}

function createTlsServer(parts: TlsParts, ticketKeys: Buffer): Server {
  const { http2, minVersion, ciphers, clientAuth, trust, staples } = parts;
  const isAsked = clientAuth !== 'none';
  const shared: TlsOptions = {
    minVersion,
    ticketKeys,
    // Our order counts, not the client's.
    honorCipherOrder: true,
    sessionIdContext: sessionContext(parts),
    ...(ciphers.length > 0 && { ciphers: cipherList(ciphers) }),
    ...(isAsked && { ca: [...trust] }),
  };
  const names = new ServerNames<ReturnType<typeof createSecureContext>>();
  for (const { name, chain, key } of parts.certificates) {
    try {
      const context = createSecureContext({ ...shared, cert: chain, key });
      for (const known of dnsNames(chain)) names.add(known, context);
    } catch (error) {
      throw new Error(`certificate/${name} cannot be used: ${(error as Error).message}`, { cause: error });
    }
  }
  const [first] = parts.certificates;
  if (first === undefined) throw new Error('tls has no certificates');
  const server = createServer({
    ...shared,
    cert: first.chain,
    key: first.key,
    ALPNProtocols: http2 ? protocols : protocols.slice(1),
    requestCert: isAsked,
    rejectUnauthorized: clientAuth === 'require',
    // Nothing that can throw: an exception here would end the connection, and in some versions of the runtime the process.
    SNICallback: (name, callback) => callback(null, names.find(name)),
  });
  // node:tls looks whether anybody listens, and tells the view of a connection.
  if (staples !== undefined) server.on('OCSPRequest', () => {});
  return server;
}

/** A session holds who the client was: it must not be taken where others are trusted (RFC 8446 section 4.6.1). 32 bytes at most. */
function sessionContext({ clientAuth, trust }: TlsParts): string {
  const hash = createHash('sha256').update(clientAuth);
  for (const pem of trust) hash.update(`\n${pem}`);
  return hash.digest('hex').slice(0, 32);
}

function cipherList(ciphers: readonly string[]): string {
  const hasNew = ciphers.some((name) => name.startsWith('TLS_'));
  return [...(hasNew ? [] : newSuites), ...ciphers].join(':');
}

function dnsNames(chain: string): string[] {
  const { subjectAltName = '' } = new X509Certificate(chain);
  return Array.from(subjectAltName.matchAll(/(?:^|, )DNS:([^",]+)(?=,|$)/g), ([, name]) => name!);
}
