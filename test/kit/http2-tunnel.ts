// WebSockets over HTTP/2 (RFC 8441) for a library that knows HTTP/1.1 alone: the head that it writes is translated, what follows passes.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  constants,
  type Http2Stream,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { Duplex } from 'node:stream';
import { onEnd, type Owner } from './owner.ts';

/** RFC 6455 section 1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Fields of HTTP/1.1 alone. */
const handshakeFields = ['connection', 'upgrade', 'host', 'sec-websocket-key', 'sec-websocket-accept'];

/** A session whose server has said that it takes extended CONNECT. Certificates are not checked. Throws when it does not say so. */
export async function connectHttp2(owner: Owner, url: string): Promise<ClientHttp2Session> {
  const session = connect(url, { rejectUnauthorized: false });
  onEnd(owner, () => session.destroy());
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  if (!session.remoteSettings.enableConnectProtocol) throw new Error(`${url} does not take extended CONNECT`);
  return session;
}

/** A connection whose client speaks HTTP/1.1, and whose handshake goes as an extended CONNECT over `session`. */
export function http2Tunnel(session: ClientHttp2Session, streams: Http2Stream[] = []): Duplex {
  return new TranslatedStream((head, tunnel) => {
    const { first, fields } = readHead(head);
    const stream = session.request(
      {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':scheme': session.encrypted === true ? 'https' : 'http',
        ':authority': fields['host'] ?? '',
        ':path': first.split(' ')[1]!,
        ...withoutHandshake(fields),
      },
      { endStream: false },
    );
    streams.push(stream);
    stream.once('response', (answer) => {
      const status = answer[':status'] ?? 0;
      const opened = status >= 200 && status < 300;
      const accept = opened ? acceptOf(fields['sec-websocket-key'] ?? '') : '';
      const line = opened
        ? `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}`
        : `HTTP/1.1 ${status} Refused\r\nconnection: close`;
      tunnel.push(`${line}\r\n${linesOf(answer)}\r\n`);
    });
    return stream;
  });
}

/** A request of HTTP/1.1 that says what the head of an extended CONNECT does, for a library that upgrades it. */
export function upgradeOf(fields: IncomingHttpHeaders): object {
  const headers = {
    ...withoutPseudo(fields),
    host: fields[':authority'],
    connection: 'Upgrade',
    upgrade: 'websocket',
    // What it answers to is known by nobody.
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  };
  return { method: 'GET', url: fields[':path'], headers };
}

/** A connection whose server speaks HTTP/1.1: its 101 is answered as 200. */
export function serverTunnel(stream: ServerHttp2Stream): Duplex {
  const tunnel = new TranslatedStream((head) => {
    const { first, fields } = readHead(head);
    const status = Number(first.split(' ')[1]);
    stream.respond({ ':status': status === 101 ? 200 : status, ...withoutHandshake(fields) });
    return stream;
  });
  tunnel.attach(stream);
  return tunnel;
}

class TranslatedStream extends Duplex {
  readonly #onHead: (head: string, tunnel: TranslatedStream) => Http2Stream;
  #head = Buffer.alloc(0);
  #stream: Http2Stream | undefined;
  #hasHead = false;

  constructor(onHead: (head: string, tunnel: TranslatedStream) => Http2Stream) {
    super();
    this.#onHead = onHead;
  }

  attach(stream: Http2Stream): void {
    if (this.#stream !== undefined) return;
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    stream.on('end', () => this.push(null));
    stream.on('error', () => this.destroy());
    stream.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#stream?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#hasHead) {
      this.#stream!.write(chunk, done);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) {
      done();
      return;
    }
    this.#hasHead = true;
    const rest = this.#head.subarray(end + 4);
    this.attach(this.#onHead(this.#head.toString('latin1', 0, end), this));
    if (rest.length > 0) this.#stream!.write(rest, done);
    else done();
  }

  override _final(done: () => void): void {
    if (this.#stream === undefined) done();
    else this.#stream.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#stream?.closed === false) this.#stream.close(constants.NGHTTP2_CANCEL);
    done(error);
  }
}

function readHead(head: string): { first: string; fields: Record<string, string> } {
  const [first = '', ...lines] = head.split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { first, fields: Object.fromEntries(fields) };
}

function withoutHandshake(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !handshakeFields.includes(name)));
}

function withoutPseudo(fields: IncomingHttpHeaders): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith(':')));
}

function linesOf(fields: IncomingHttpHeaders): string {
  return Object.entries(withoutPseudo(fields))
    .flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${String(each)}\r\n`))
    .join('');
}

function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + acceptSuffix)
    .digest('base64');
}
