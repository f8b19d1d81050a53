/** A request and its response on node:http, as the recipe sees them. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type {
  BodyLength,
  Downstream,
  DownstreamEvents,
  HeaderList,
  MessageFault,
  PeerConnection,
} from '../proxy/exchange.ts';
import { headerValues } from '../proxy/header-list.ts';

/** What an exchange needs of the connection that it is on. */
export interface ExchangeOwner {
  readonly peer: PeerConnection;
  /** Whether this is the last exchange of the connection for reasons of the connection's own. */
  readonly isLast: boolean;
  /** The response says that the connection ends after it. */
  onClosing(): void;
  onExchangeDone(exchange: HttpExchange): void;
}

/**
 * How long a client that still sends is listened to after its answer: closing at once would make its kernel throw the answer
 * away (RFC 9112 section 9.6).
 */
const lingerMs = 2000;

export class HttpExchange implements Downstream {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: HeaderList;
  readonly expectsContinue: boolean;
  readonly #owner: ExchangeOwner;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #events: DownstreamEvents | undefined;
  #isBodyStarted = false;
  #waitsForDrain = false;
  #isCounted = true;
  #isFaulty = false;
  #isOver = false;

  constructor(
    owner: ExchangeOwner,
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ) {
    this.#owner = owner;
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? '';
    this.target = request.url ?? '';
    this.httpVersion = request.httpVersion;
    // Never `request.headers`, which joins and drops fields.
    this.headers = request.rawHeaders;
    this.expectsContinue = expectsContinue;
    // Errors of either are followed by the end of the connection, which is what counts.
    request.on('error', ignore);
    response.on('error', ignore);
    response.on('finish', () => this.#onSent());
  }

  get connection(): PeerConnection {
    return this.#owner.peer;
  }

  /** Whether all of the request has been received. While its head is handled node:http does not know it yet. */
  get isReceived(): boolean {
    return this.#request.complete || !announcesBody(this.headers);
  }

  /** From now on events are delivered to `events`. */
  begin(events: DownstreamEvents): void {
    this.#events = events;
  }

  startBody(): void {
    this.#isBodyStarted = true;
    if (this.expectsContinue) this.#response.writeContinue();
    this.#request.on('data', (chunk: Buffer) => this.#live()?.onRequestChunk(chunk));
    this.#request.on('end', () => this.#live()?.onRequestEnd());
  }

  pauseBody(): void {
    this.#request.pause();
  }

  resumeBody(): void {
    this.#request.resume();
  }

  sendInformational(status: number, headers: HeaderList): void {
    if (this.httpVersion === '1.1') this.#response.writeInformation(status, [...headers]);
  }

  sendHead(status: number, headers: HeaderList, length: BodyLength | undefined, close: boolean): void {
    const sent = [...headers];
    this.#isCounted = length !== 'unknown';
    if (typeof length === 'number') sent.push('content-length', String(length));
    // Without a field HTTP/1.1 persists; HTTP/1.0 never does here, which spares its framing (RFC 9112 section 9.3).
    const isLast = close || this.#owner.isLast || !this.#response.shouldKeepAlive;
    if (isLast || this.httpVersion !== '1.1') {
      sent.push('connection', 'close');
      this.#owner.onClosing();
    } else {
      this.#response.removeHeader('connection');
    }
    this.#response.writeHead(status, sent);
  }

  sendChunk(chunk: Uint8Array): boolean {
    const isFlowing = this.#response.write(chunk);
    if (!isFlowing && !this.#waitsForDrain) {
      this.#waitsForDrain = true;
      this.#response.once('drain', () => {
        this.#waitsForDrain = false;
        this.#live()?.onDownstreamDrain();
      });
    }
    return isFlowing;
  }

  endResponse(): void {
    // A client that was not told to continue sends nothing.
    const isSilent = this.expectsContinue && !this.#isBodyStarted;
    if (this.isReceived || isSilent || this.#isFaulty || !this.#isCounted) this.#response.end();
    else this.#linger();
  }

  reset(): void {
    this.#response.destroy();
  }

  /** The connection is gone. */
  abandon(): void {
    const events = this.#live();
    this.#isOver = true;
    events?.onDownstreamClosed();
  }

  /** The rest of the body cannot be read. */
  faultBody(fault: MessageFault): void {
    this.#isFaulty = true;
    this.#live()?.onRequestFault(fault);
  }

  /** All bytes of the response are out but for its formal end, which is what makes node:http close the connection. */
  #linger(): void {
    const end = (): void => {
      clearTimeout(timer);
      this.#response.end();
    };
    const timer = setTimeout(end, lingerMs);
    this.#request.removeAllListeners('data');
    this.#request.once('end', end);
    this.#request.once('close', end);
    this.#request.resume();
    queueMicrotask(() => this.#tellSent());
  }

  #onSent(): void {
    this.#tellSent();
    this.#owner.onExchangeDone(this);
  }

  #tellSent(): void {
    const events = this.#live();
    this.#isOver = true;
    events?.onResponseSent();
  }

  #live(): DownstreamEvents | undefined {
    return this.#isOver ? undefined : this.#events;
  }
}

function announcesBody(headers: HeaderList): boolean {
  const [length = '0'] = headerValues(headers, 'content-length');
  return length !== '0' || headerValues(headers, 'transfer-encoding').length > 0;
}

function ignore(): void {}
