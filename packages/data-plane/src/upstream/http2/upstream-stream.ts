/** One request on an HTTP/2 connection to an endpoint, and its response. */

import { type ClientHttp2Stream, constants } from 'node:http2';
import { Readable } from 'node:stream';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { FieldList, UpstreamFailure } from '../../proxy/exchange.ts';
import { crossingTrailers } from '../../proxy/trailers.ts';
import { keepSessionOf } from '../../socket/keep-session.ts';
import { StreamTunnel } from '../../socket/stream-tunnel.ts';
import type { TunnelPeer, TunnelPeerEvents } from '../../streams/tunnel-peer.ts';
import type { PoolCall } from '../pool-call.ts';
import type { CallCarrier } from '../pooled-connection.ts';
import { SentBody } from '../sent-body.ts';
import { protocolFailure } from '../upstream-failures.ts';
import { BodyWriter } from '../../socket/body-writer.ts';
import { canceled } from './cancel.ts';
import { readResponse } from './read-response.ts';

/** What a stream tells its connection. */
export interface StreamOwner {
  /** Most informational responses before a final one. */
  readonly informationalMax: number;
  /** Something has been handed on that nobody has been told to send yet. */
  onUnflushed(stream: UpstreamStream): void;
  /** It lasts: a stream, or a tunnel. */
  onStreamLasting(): void;
  /** There is no more of it. */
  onStreamOver(isLasting: boolean): void;
  /** It was closed before its response was complete; `isAnswered`: of which there was something. */
  onStreamLost(call: PoolCall, lost: LostStream): void;
}

export interface LostStream {
  readonly id: number | undefined;
  /** Of RST_STREAM, or what the runtime makes up for a stream whose connection is gone. */
  readonly code: number;
  readonly error: Error | undefined;
  readonly isAnswered: boolean;
  readonly isLasting: boolean;
}

interface OwnedStream extends ClientHttp2Stream {
  carrier?: UpstreamStream;
}

export class UpstreamStream implements CallCarrier {
  readonly #owner: StreamOwner;
  readonly #call: PoolCall;
  readonly #stream: ClientHttp2Stream;
  readonly #writer: BodyWriter | undefined;
  #error: Error | undefined;
  #informational = 0;
  #isAnswered = false;
  #isLasting = false;
  /** The upstream has sent the end of its response; the runtime makes up ends of others. */
  #isWhole = false;
  /** The runtime has let go of the stream, and what it still had is here. */
  #left: Buffer[] | undefined;
  #isPaused = false;
  #isOver = false;
  #trailers: FieldList | undefined;
  #tunnel: StreamTunnel | undefined;

  constructor(owner: StreamOwner, call: PoolCall, stream: ClientHttp2Stream) {
    this.#owner = owner;
    this.#call = call;
    this.#stream = stream;
    if (call.request.bodyLength !== 0) this.#writer = new BodyWriter(stream, () => this.#onEmptied());
    own(stream, this);
  }

  /** Sends the body, as far as it is at hand. */
  begin(): void {
    const call = this.#call;
    const writer = this.#writer;
    call.carrier = this;
    if (writer === undefined) return;
    if (call.sentBody === undefined) {
      call.sentBody = new SentBody();
      call.onReady();
      return;
    }
    let isFull = false;
    for (const piece of call.sentBody.pieces) isFull = !writer.chunk(piece);
    if (call.isRequestDone) writer.end(call.trailers);
    else if (isFull) writer.flush();
    else call.onDrain();
  }

  get unsentMark(): number {
    return this.#writer?.unsentMark ?? 0;
  }

  chunk(chunk: Buffer): boolean {
    if (this.#writer === undefined || this.#isClosed) return true;
    if (!this.#isAnswered) this.#call.sentBody?.add(chunk);
    return this.#writer.chunk(chunk);
  }

  flush(): void {
    if (!this.#isClosed) this.#writer?.flush();
  }

  end(trailers: FieldList | undefined): void {
    if (!this.#isClosed) this.#writer?.end(trailers);
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#left === undefined) this.#stream.resume();
    else this.#drainLeft(this.#left);
  }

  outlast(): void {
    if (this.#isLasting) return;
    this.#isLasting = true;
    this.#owner.onStreamLasting();
  }

  switchProtocols(events: TunnelPeerEvents): TunnelPeer {
    this.#tunnel = new StreamTunnel(this.#stream, 'upstream', events);
    this.#stream.on('end', onEnd);
    this.outlast();
    return this.#tunnel;
  }

  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy(canceled);
    this.#owner.onStreamOver(this.#isLasting);
  }

  /** Has what was handed on sent. */
  flushResponse(): void {
    if (!this.#isOver) this.#call.events.onUpstreamPart();
  }

  /** `isClosed`: the stream is closed already, so that nobody has sent this end. */
  onEndTold(isClosed: boolean): void {
    if (!isClosed) this.#isWhole = true;
    else if (!this.#isWhole) keepSessionOf(this.#stream);
  }

  onInformational(raw: readonly string[]): void {
    if (this.#isOver || this.#isAnswered) return;
    this.#informational += 1;
    const head = readResponse(raw, { method: this.#call.request.method, isEnded: false });
    if (!('status' in head)) return this.#break(head.detail);
    if (head.status === 101) return this.#break('HTTP/2 has no 101');
    if (this.#informational > this.#owner.informationalMax)
      return this.#break('too many informational responses');
    this.#call.events.onUpstreamInformational(head);
  }

  onResponse(raw: readonly string[], isEnded: boolean): void {
    if (this.#isOver) return;
    const { method } = this.#call.request;
    const head = readResponse(raw, { method, isEnded });
    if (!('status' in head)) return this.#break(head.detail);
    // One whose end has come with it, or two.
    if (head.status < 200 || this.#isAnswered) return this.#break('there is no final response');
    this.#answer(head, isEnded);
  }

  onTrailers(raw: readonly string[]): void {
    this.#trailers = crossingTrailers(raw);
  }

  onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#call.events.onUpstreamChunk(chunk);
    this.#owner.onUnflushed(this);
  }

  onEnd(): void {
    // After a reset the runtime tells an end as well.
    if (this.#tunnel !== undefined && this.#isWhole) this.#tunnel.onStreamEnd();
    else if (this.#isWhole && this.#isAnswered) this.#finish();
  }

  onError(error: Error): void {
    this.#error = error;
  }

  onClose(): void {
    if (this.#isOver) return;
    if (this.#tunnel !== undefined) this.#leaveTunnel(this.#tunnel);
    else if (this.#isWhole && this.#isAnswered) this.#drainLeft(this.#takeLeft());
    else this.#lose();
  }

  get #isClosed(): boolean {
    return this.#isOver || this.#stream.closed || this.#stream.destroyed;
  }

  #answer(head: ResponseHead, isEnded: boolean): void {
    this.#isAnswered = true;
    this.#call.sentBody?.forget();
    this.#call.answer(head);
    if (this.#isOver || this.#tunnel !== undefined) return;
    if (isEnded) return this.#finish();
    // Whoever asked for a WebSocket has not made up his mind; what comes waits.
    if (this.#call.request.handshake !== undefined && isSuccess(head)) return;
    const stream = this.#stream;
    stream.on('trailers', onTrailers);
    stream.on('end', onEnd);
    stream.on('data', onData);
    // With a listener it flows, whatever was asked for before.
    if (this.#isPaused) stream.pause();
    this.#owner.onUnflushed(this);
  }

  #leaveTunnel(tunnel: StreamTunnel): void {
    this.#isOver = true;
    this.#owner.onStreamOver(this.#isLasting);
    tunnel.onStreamGone();
  }

  #onEmptied(): void {
    if (!this.#isOver) this.#call.onDrain();
  }

  /** The connection has gone after the response was complete: the rest is delivered as it is asked for. */
  #takeLeft(): Buffer[] {
    const left: Buffer[] = [];
    for (let piece = this.#stream.read(); piece !== null; piece = this.#stream.read())
      left.push(piece as Buffer);
    return left;
  }

  #drainLeft(left: Buffer[]): void {
    this.#left = left;
    while (!this.#isPaused && !this.#isOver) {
      const piece = left.shift();
      if (piece === undefined) return this.#finish();
      this.#call.events.onUpstreamChunk(piece);
    }
    this.flushResponse();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const stream = this.#stream;
    // An upstream may answer before it has the whole request (RFC 9113 section 8.1); the rest is not for it any more.
    // To a WebSocket that it has refused nothing will be sent.
    const isOpen = this.#writer !== undefined || this.#call.request.handshake !== undefined;
    if (isOpen && !stream.writableFinished) stream.destroy(canceled);
    this.#owner.onStreamOver(this.#isLasting);
    this.#call.end(this.#trailers);
  }

  /** The upstream has sent what is no response. */
  #break(detail: string): void {
    this.#fail(protocolFailure({ detail }));
  }

  #fail(failure: UpstreamFailure): void {
    this.#isOver = true;
    this.#stream.destroy(canceled);
    this.#owner.onStreamOver(this.#isLasting);
    this.#call.fail(failure);
  }

  #lose(): void {
    this.#isOver = true;
    this.#call.carrier = undefined;
    const { id, rstCode: code } = this.#stream;
    this.#owner.onStreamLost(this.#call, {
      id,
      code,
      error: this.#error,
      isAnswered: this.#isAnswered,
      isLasting: this.#isLasting,
    });
  }
}

/** Of a handshake it is what 101 is in HTTP/1.1. */
function isSuccess({ status }: ResponseHead): boolean {
  return status >= 200 && status < 300;
}

/** One function for each event of all streams: closures would cost more than what they do. */
function own(stream: OwnedStream, carrier: UpstreamStream): void {
  stream.carrier = carrier;
  stream.push = push;
  stream.on('headers', onHeaders);
  stream.on('response', onResponse);
  stream.on('error', onError);
  stream.on('close', onClose);
}

/**
 * The runtime tells the end of a stream that was reset with NO_ERROR, or whose connection has ended, like that of one that is complete. Only here
 * the two can be told apart: an end that was sent comes before the stream is closed, one that is made up comes after.
 */
function push(this: OwnedStream, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null) this.carrier!.onEndTold(this.closed);
  return Readable.prototype.push.call(this, chunk, encoding);
}

function onHeaders(this: OwnedStream, _headers: unknown, _flags: number, raw: string[]): void {
  this.carrier!.onInformational(raw);
}

function onResponse(this: OwnedStream, _headers: unknown, flags: number, raw: string[]): void {
  this.carrier!.onResponse(raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
}

function onTrailers(this: OwnedStream, _headers: unknown, _flags: number, raw: string[]): void {
  this.carrier!.onTrailers(raw);
}

function onData(this: OwnedStream, chunk: Buffer): void {
  this.carrier!.onData(chunk);
}

function onEnd(this: OwnedStream): void {
  this.carrier!.onEnd();
}

function onError(this: OwnedStream, error: Error): void {
  this.carrier!.onError(error);
}

function onClose(this: OwnedStream): void {
  this.carrier!.onClose();
}
