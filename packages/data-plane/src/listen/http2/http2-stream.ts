/** One request of an HTTP/2 connection and its answer. */

import { constants, type ServerHttp2Stream } from 'node:http2';
import { HeadFact } from '@causeway/http1/message-head';
import type { RequestHead } from '@causeway/http1/request-head';

import type {
  Downstream,
  DownstreamEvents,
  FieldList,
  PeerConnection,
  RequestHandler,
  ResponseLength,
} from '../../proxy/exchange.ts';
import type { Timed, TimerWheel } from '../../proxy/timer-wheel.ts';
import { crossingTrailers } from '../../proxy/trailers.ts';
import type { TunnelPeer, TunnelPeerEvents } from '../../streams/tunnel-peer.ts';
import { isEndReceived } from '../../socket/keep-session.ts';
import { StreamTunnel } from '../../socket/stream-tunnel.ts';
import type { Http2Counters } from './http2-counters.ts';
import { headersOf } from '../../socket/http2-headers.ts';
import { http2Fields } from './http2-fields.ts';
import { StreamWriter, type StreamWriterOwner } from './stream-writer.ts';

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** Asks for another connection; this stream goes on. */
  leave(): void;
  readonly wheel: TimerWheel;
  readonly counters: Http2Counters;
  /** False: the connection is gone, and its streams with it. */
  readonly isAlive: boolean;
  /** False: `end` of the stream is called later. */
  mayEnd(stream: Http2Stream): boolean;
  /** What `mayEnd` allowed is out, or the stream is gone. */
  onEndOut(): void;
  /** A stream is gone, however it ended; `code` is of RST_STREAM. */
  onStreamClosed(code: number): void;
}

/**
 * What the framing of HTTP/2 gets wrong the runtime answers by itself, with RST_STREAM: then the stream is closed, as it is when the
 * client takes its request back.
 */
export class Http2Stream implements Downstream, StreamWriterOwner, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly connection: PeerConnection;
  readonly head: RequestHead;
  readonly #owner: StreamOwner;
  readonly #stream: ServerHttp2Stream;
  readonly #writer: StreamWriter;
  #events: DownstreamEvents | undefined;
  #isReceived: boolean;
  #trailers: FieldList | undefined;
  #responseTrailers: FieldList | undefined;
  /** The response is complete, if not out. */
  #isEnded = false;
  /** The runtime has the end of the response, and may not have sent it. */
  #isEnding = false;
  #tunnel: StreamTunnel | undefined;
  #isOver = false;
  /** Whether a body may follow the head. */
  #hasBody = true;

  constructor(owner: StreamOwner, peer: PeerConnection, stream: ServerHttp2Stream, head: RequestHead) {
    this.#owner = owner;
    this.connection = peer;
    this.#stream = stream;
    this.head = head;
    this.#isReceived = head.bodyLength === 0 && head.protocol === undefined;
    this.#writer = new StreamWriter(stream, this);
    this.#listen();
  }

  begin(handler: RequestHandler): void {
    this.#events = handler.handle(this);
  }

  get unsentMark(): number {
    return this.#writer.unsentMark;
  }

  startBody(): void {
    if (this.#isOver || this.#stream.destroyed) return;
    const expects = (this.head.facts & HeadFact.expectsContinue) !== 0;
    if (expects && this.#stream.readableLength === 0 && !this.#writer.isBegun)
      this.sendInformational(100, []);
    this.#stream.on('data', (chunk: Buffer) => this.#onChunk(chunk));
  }

  pauseBody(): void {
    this.#stream.pause();
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  sendInformational(status: number, fields: FieldList): void {
    // Switching protocols is not for HTTP/2 (RFC 9113 section 8.6).
    if (status === 101 || this.#isClosed()) return;
    this.#stream.additionalHeaders(headersOf(http2Fields(status, fields, undefined)));
  }

  /**
   * `close` ends the connection after this exchange; not for a request whose body is not wanted any more, which is no obstacle to other streams.
   * Deviation: `untilClose` ends like any other body, for HTTP/2 has no end that vouches for nothing.
   */
  sendHead(status: number, fields: FieldList, length: ResponseLength | undefined, close: boolean): void {
    this.#hasBody =
      this.head.method !== 'HEAD' && length !== undefined && length !== 0 && !forbidsBody(status);
    this.#writer.begin(
      http2Fields(status, fields, typeof length === 'number' ? length : undefined),
      this.#hasBody && this.head.valueOf('te') === 'trailers',
    );
    if (close && this.#isReceived) this.#owner.leave();
  }

  sendChunk(chunk: Buffer): boolean {
    return this.#isClosed() || !this.#hasBody || this.#writer.chunk(chunk);
  }

  /** RFC 8441 section 5. */
  switchProtocols(fields: FieldList, events: TunnelPeerEvents): TunnelPeer {
    this.#events = undefined;
    this.#isOver = true;
    const tunnel = new StreamTunnel(this.#stream, 'client', events);
    this.#tunnel = tunnel;
    if (!this.#stream.closed && !this.#stream.destroyed)
      this.#stream.respond(headersOf(http2Fields(200, fields, undefined)));
    return tunnel;
  }

  flush(): void {
    if (!this.#isClosed()) this.#writer.flush();
  }

  takeBack(): boolean {
    return this.#writer.takeBack();
  }

  endResponse(trailers?: FieldList): void {
    this.#isEnded = true;
    this.#responseTrailers = trailers;
    if (this.#isClosed()) return;
    if (this.#owner.mayEnd(this)) this.#end();
    else if (this.#hasBody) this.#writer.flush();
  }

  /** The end that had to wait. */
  end(): void {
    if (!this.#isClosed() && this.#owner.mayEnd(this)) this.#end();
  }

  /** Never a clean end: the client sees that the response is not complete (RFC 9113 section 8.1). */
  reset(): void {
    this.#isOver = true;
    this.#owner.counters.resets.node += 1;
    // Not `close`: that ends the body first, and with nothing waiting to be sent the client is told so before the RST_STREAM.
    this.#stream.destroy(cut);
  }

  /**
   * Hot path: a stream makes an event of each listener. Without a body nobody waits for its end, and a client that takes the request back
   * closes the stream; behind a body that waits to be read it would not be seen.
   */
  #listen(): void {
    const stream: OwnedStream = this.#stream;
    stream.owner = this;
    stream.on('close', onClose);
    if (this.#isReceived) return;
    // Trailers may come before the body is asked for.
    stream.on('trailers', onTrailers);
    stream.on('end', onEnd);
    // Told of streams whose response is not complete.
    stream.on('aborted', onAborted);
  }

  #end(): void {
    this.#isEnding = true;
    this.#writer.end(this.#hasBody, this.#responseTrailers, !this.#isReceived);
  }

  #noteEndOut(): void {
    if (!this.#isEnding) return;
    this.#isEnding = false;
    this.#owner.onEndOut();
  }

  #isClosed(): boolean {
    return this.#isOver || this.#stream.closed || this.#stream.destroyed;
  }

  #onChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#events?.onRequestChunk(chunk);
    this.#events?.onRequestPart();
  }

  onTrailers(raw: FieldList): void {
    this.#trailers = crossingTrailers(raw);
  }

  onEnd(): void {
    if (this.#tunnel !== undefined && isEndReceived(this.#stream)) this.#tunnel.onStreamEnd();
    // After a reset the runtime tells an end as well.
    if (this.#isReceived || this.#isClosed()) return;
    this.#isReceived = true;
    this.#events?.onRequestEnd(this.#trailers);
  }

  onEmptied(): void {
    if (!this.#isOver && !this.#isEnded) this.#events?.onDownstreamDrain();
  }

  onSent(): void {
    this.#noteEndOut();
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isReceived && !this.#stream.destroyed) this.#linger();
    this.#events?.onResponseSent();
  }

  /**
   * Nobody wants the rest of the body (RFC 9113 section 8.1), and nothing more than the window comes of it. Most clients stop by themselves; some
   * take a reset that comes with the answer for a failure (curl 7.88), so it comes later.
   */
  #linger(): void {
    this.#stream.pause();
    const { wheel } = this.#owner;
    wheel.schedule(this, wheel.coarseMs() + lingerMs);
  }

  onDue(): void {
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
    this.#drop();
  }

  /** Without this the runtime would keep a stream that is closed until somebody has read what has come of it. */
  #drop(): void {
    this.#stream.resume();
  }

  /** The runtime may close a stream whose end is out before it has told so. */
  onClose(): void {
    this.#owner.wheel.cancel(this);
    const code = this.#stream.rstCode;
    const isClean = code === constants.NGHTTP2_NO_ERROR && this.#owner.isAlive;
    const isSent = isClean && this.#isEnding;
    this.#noteEndOut();
    this.#owner.onStreamClosed(code);
    this.#tunnel?.onStreamGone();
    if (isSent) this.onSent();
    else this.onAborted();
  }

  onAborted(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#owner.isAlive) this.#owner.counters.resets.client += 1;
    this.#events?.onDownstreamClosed();
    this.#drop();
  }
}

interface OwnedStream extends ServerHttp2Stream {
  owner?: Http2Stream;
}

function onClose(this: OwnedStream): void {
  this.owner!.onClose();
}

function onTrailers(this: OwnedStream, _headers: unknown, _flags: number, raw: FieldList): void {
  this.owner!.onTrailers(raw);
}

function onEnd(this: OwnedStream): void {
  this.owner!.onEnd();
}

function onAborted(this: OwnedStream): void {
  this.owner!.onAborted();
}

/** How long a client that is still sending has to read its answer. */
const lingerMs = 2000;

/** Becomes RST_STREAM with INTERNAL_ERROR. */
const cut = new Error('the response was cut');

/** RFC 9110 sections 15.3.5 and 15.4.5. */
function forbidsBody(status: number): boolean {
  return status === 204 || status === 304;
}
