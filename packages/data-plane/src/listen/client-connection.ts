/** One connection of a client: its requests one after the other, and what cannot be read as one. */

import type { Socket } from 'node:net';

import type { MessageFault, PeerConnection, RequestHandler, WholeResponse } from '../proxy/exchange.ts';
import type { ExchangeOwner, HttpExchange } from './http-exchange.ts';

export interface ConnectionContext {
  readonly socketKey: string;
  readonly handler: RequestHandler;
  /** False while the port is open but no table has it yet: requests wait. */
  readonly isLive: boolean;
  readonly requestsMax: number;
}

/** Requests that may wait behind one that is being answered; then nothing more is read. */
const pipelinedMax = 16;

/** A peer that was told the connection ends may take so long to read it. */
const farewellMs = 1000;

/**
 * Pipelined requests are handled one at a time and in order: only safe ones could run side by side (RFC 9112 section 9.3.2), and
 * none may run after an answer that closes the connection.
 */
export class ClientConnection implements ExchangeOwner {
  #peer: PeerConnection;
  readonly #context: ConnectionContext;
  readonly #socket: Socket;
  readonly #waiting: HttpExchange[] = [];
  #current: HttpExchange | undefined;
  #fault: MessageFault | undefined;
  #requests = 0;
  /** No request is taken any more. */
  #isClosing = false;
  /** The next answer is to say that it is the last one. */
  #isLeaving = false;

  constructor(context: ConnectionContext, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
    this.#peer = {
      socketKey: context.socketKey,
      peerAddress: socket.remoteAddress ?? '',
      peerPort: socket.remotePort ?? 0,
      localPort: socket.localPort ?? 0,
      scheme: 'http',
    };
    socket.on('close', () => this.#onClosed());
  }

  get peer(): PeerConnection {
    return this.#peer;
  }

  get isLast(): boolean {
    const { requestsMax } = this.#context;
    return this.#isLeaving || (requestsMax > 0 && this.#requests >= requestsMax);
  }

  /** A request's head has arrived. */
  take(exchange: HttpExchange): void {
    if (this.#isClosing) return;
    this.#waiting.push(exchange);
    if (this.#waiting.length >= pipelinedMax) this.#socket.pause();
    this.advance();
  }

  /** What arrived is no HTTP. Answered when all that came before it is answered. */
  fail(fault: MessageFault): void {
    if (this.#isClosing || this.#fault !== undefined) return;
    if (this.#current !== undefined && !this.#current.isReceived && this.#waiting.length === 0) {
      this.#current.faultBody(fault);
      return;
    }
    this.#fault = fault;
    this.advance();
  }

  /** Starts what is next, if anything is and nothing stands before it. */
  advance(): void {
    if (this.#current !== undefined || this.#isClosing || !this.#context.isLive) return;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#current = next;
      this.#requests += 1;
      next.begin(this.#context.handler.handle(next));
    } else if (this.#fault !== undefined) {
      this.#refuse(this.#fault);
    }
  }

  /** Later requests belong to another socket of the table: the port has moved, and takes this connection along. */
  moveTo(socketKey: string): void {
    if (this.#peer.socketKey !== socketKey) this.#peer = { ...this.#peer, socketKey };
  }

  /** Ends the connection as soon as nothing is under way on it. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#leaveWhenIdle();
  }

  onClosing(): void {
    this.#isClosing = true;
    this.#waiting.length = 0;
  }

  onExchangeDone(exchange: HttpExchange): void {
    if (this.#current !== exchange) return;
    this.#current = undefined;
    if (this.#waiting.length < pipelinedMax) this.#socket.resume();
    // A response whose head had gone out before the connection was to end could not say so.
    if (this.#isLeaving && this.#waiting.length === 0) this.#leaveWhenIdle();
    else this.advance();
  }

  #leaveWhenIdle(): void {
    if (this.#current !== undefined || this.#waiting.length > 0) return;
    this.#isClosing = true;
    this.#farewell();
  }

  #refuse(fault: MessageFault): void {
    this.#isClosing = true;
    // Whoever sent nothing at all waits for no answer.
    if (fault === 'head_timeout' && this.#socket.bytesRead === 0) {
      this.#socket.destroy();
      return;
    }
    this.#socket.write(responseText(this.#context.handler.refuse(this.peer, fault)), 'latin1');
    this.#farewell();
  }

  /** Ends our side, and goes on reading for a while: a reset would make the peer's kernel drop what it has not read. */
  #farewell(): void {
    this.#socket.end();
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), farewellMs).unref();
  }

  #onClosed(): void {
    this.#isClosing = true;
    this.#waiting.length = 0;
    this.#current?.abandon();
    this.#current = undefined;
  }
}

function responseText({ status, headers, body }: WholeResponse): string {
  let text = `HTTP/1.1 ${status} ${phrases[status] ?? ''}\r\n`;
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return `${text}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
}

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
};
