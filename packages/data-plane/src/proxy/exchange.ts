/**
 * The seam between the recipe and the protocol code on both of its sides. Whoever speaks HTTP to clients (`listen/`) or to
 * upstreams (`upstream/`) implements these; the recipe sees nothing else, so either side can be replaced alone.
 *
 * One object per exchange takes the calls of both sides: no promise, closure or event emitter is needed for a request. What is sent in
 * pieces is held back until `flush`, so that a head and the body that came with it go out in one write.
 */

import type { RequestHead } from '@causeway/http1/request-head';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { TlsFacts } from '../listen/tls/tls-acceptor.ts';

/** Fields in the order of the message: name, value, name, value. One character a byte. */
export type FieldList = readonly string[];

/** Octets of a body: a count that is declared beforehand, or `unknown` (chunked, or until the connection ends). */
export type BodyLength = number | 'unknown';

/** The same of a response, or `untilClose`: its end is the end of the connection, and nothing may vouch for it that is not known. */
export type ResponseLength = BodyLength | 'untilClose';

/** What a request knows of its connection. */
export interface PeerConnection {
  /** Key of the socket in the table (`address:port`) that serves it; another one once its port has moved. */
  readonly socketKey: string;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localPort: number;
  readonly scheme: 'http' | 'https';
  /** What is known of the client by TLS; undefined without. */
  readonly tls?: TlsFacts | undefined;
}

/** Why a message could not be read to its end; the recipe has a reason for each. */
export type MessageFault =
  | 'malformed'
  | 'head_too_large'
  | 'uri_too_long'
  | 'version_not_supported'
  | 'not_implemented'
  /** The client sent too little in too long a time. */
  | 'too_slow'
  /** The client ended its side within the message. */
  | 'incomplete';

/** A request whose head has arrived, and the way to answer it. All calls return at once. */
export interface Downstream {
  readonly connection: PeerConnection;
  readonly head: RequestHead;

  /** Delivers the body to the events from now on; sends 100 Continue first where it is expected. Call it at most once. */
  startBody(): void;
  pauseBody(): void;
  resumeBody(): void;

  /** Sends an informational head at once; nothing to an HTTP/1.0 client. Only before `sendHead`. */
  sendInformational(status: number, fields: FieldList): void;
  /**
   * Sends the head. `fields` hold no framing and no Connection; these are made here from `length`, the method and the status.
   * `close` ends the connection after this exchange.
   */
  sendHead(status: number, fields: FieldList, length: ResponseLength | undefined, close: boolean): void;
  /** False: the chunk's memory is in use, and the client is slower than the sender; stop until `onDownstreamDrain`. */
  sendChunk(chunk: Buffer): boolean;
  /**
   * In place of a head: agrees to the other protocol that a handshake has asked for. The connection is a tunnel from now on, and this exchange is
   * over for it: no further event comes but those of the tunnel, to `events`.
   */
  switchProtocols(fields: FieldList, events: TunnelPeerEvents): TunnelPeer;
  /** Sends what is held back. */
  flush(): void;
  /** Takes back the head and what followed it, so that another response can be sent; false when some of it is out. */
  takeBack(): boolean;
  /**
   * Completes and flushes the response; what is left of the request's body is discarded within bounds. `trailers` go to a client of HTTP/2 alone,
   * and only behind a body of unknown length.
   */
  endResponse(trailers?: FieldList): void;
  /** Cuts the connection so that the client sees that the response is not complete. */
  reset(): void;
  /** Falls while the client takes the response, 0 when the system has all of it; see `MessageWriter`. */
  readonly unsentMark: number;
}

/** What happens on the client's side. Nothing is called before `handle` has returned, nor after one of the two last calls. */
export interface DownstreamEvents {
  /** The chunk is there while the call lasts. False: its memory is in use until `resumeBody`. */
  onRequestChunk(chunk: Buffer): boolean;
  /** No more of the body has arrived for now. */
  onRequestPart(): void;
  /** `trailers`: what followed the body; only of a client of HTTP/2. */
  onRequestEnd(trailers?: FieldList): void;
  /** The body's framing is broken: the connection is of no use after an answer. */
  onRequestFault(fault: MessageFault): void;
  onDownstreamDrain(): void;
  /** The client sends no more, though it may still read: the request is complete. */
  onDownstreamHalfClosed(): void;
  /** The client sends far ahead and is not read any more: from now on nobody learns that it is gone. */
  onDownstreamUnseen(): void;
  /** The response is out. The last call, unless the connection was closed first. */
  onResponseSent(): void;
  /** The connection is gone before the response was out. The last call. */
  onDownstreamClosed(): void;
}

/** A whole response, for requests of which no exchange could be made. */
export interface WholeResponse {
  readonly status: number;
  readonly fields: FieldList;
  readonly body: string;
}

/** What a listener hands its requests to. */
export interface RequestHandler {
  handle(downstream: Downstream): DownstreamEvents;
  /** Answers for a message that never became a request; counts and logs it as one. `detail` is for the client to read. */
  refuse(connection: PeerConnection, fault: MessageFault, detail: string | undefined): WholeResponse;
}

/** What upstreams are asked that are to agree to a WebSocket. */
export interface SentHandshake {
  /** For Sec-WebSocket-Key, which only HTTP/1.1 has; undefined: the client's own is among the fields. */
  readonly key: string | undefined;
}

/** A request as it goes to an upstream. `fields` hold neither framing nor Connection; Host is the first, or the endpoint is named. */
export interface UpstreamRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: FieldList;
  readonly bodyLength: BodyLength;
  /** The client has asked for trailers, and will get them: only one of HTTP/2 does. */
  readonly wantsTrailers: boolean;
  /** Trailers may follow the body. */
  readonly mayHaveTrailers: boolean;
  /** It asks for a WebSocket. */
  readonly handshake?: SentHandshake | undefined;
  /** It has been sent before, so that it is not sent twice when it meets a connection that was being closed. */
  readonly isRetry?: boolean;
}

/** Why an upstream could not be used. The reasons are those of the client-visible vocabulary. */
export interface UpstreamFailure {
  readonly reason:
    | 'upstream_connect_failed'
    | 'upstream_reset'
    | 'upstream_protocol_error'
    | 'upstream_timeout';
  /** For logs, not for clients: may name addresses. */
  readonly detail: string;
  /** It says nothing about the endpoint: this machine has run out of something, or a client asked for what no request before had. */
  readonly isBlameless?: boolean;
}

/** A request on its way. All calls return at once; after `abort` no event comes. */
export interface UpstreamCall {
  /** Goes over TLS. */
  readonly isSecure: boolean;
  /** False: the chunk's memory is in use, and the upstream is slower than the sender; stop until `onUpstreamDrain`. */
  sendChunk(chunk: Buffer): boolean;
  /** Sends what is held back. */
  flush(): void;
  endRequest(trailers?: FieldList): void;
  pauseResponse(): void;
  resumeResponse(): void;
  /** Destroys the connection under the call, so that the upstream notices. */
  abort(): void;
  /**
   * It has taken too long, and is given up as with `abort`. `isLast`: so has the whole exchange. True: it goes on by itself, with another try or
   * with an answer that came before.
   */
  timeOut(isLast: boolean): boolean;
  /** The response, whose head has come, is a stream: where its connection carries nothing else, that is its own from now on. */
  outlast(): void;
  /** The upstream has agreed to another protocol: its events go to `events` from now on, and `abort` ends the tunnel. */
  switchProtocols(events: TunnelPeerEvents): TunnelPeer;
  /** Whoever asked may be gone: what is under way goes on, and nothing is begun anew. Only of a call that may consist of several tries. */
  endTries?(): void;
  /** Falls while the upstream takes the request, 0 when the system has all of it; see `MessageWriter`. */
  readonly unsentMark: number;
}

/** What happens on the upstream's side. `onUpstreamEnd` or `onUpstreamFailed` is the last call. */
export interface UpstreamEvents {
  /** There is a connection: the request's body is wanted. Not called for a request without one. */
  onUpstreamReady(): void;
  /** A request that had to wait for a connection is on its way. */
  onUpstreamSent(): void;
  onUpstreamInformational(head: ResponseHead): void;
  onUpstreamHead(head: ResponseHead): void;
  /** The chunk is there while the call lasts. False: its memory is in use until `resumeResponse`. */
  onUpstreamChunk(chunk: Buffer): boolean;
  /** No more of the response has arrived for now. */
  onUpstreamPart(): void;
  /** `trailers`: what followed the body; only of an upstream of HTTP/2. */
  onUpstreamEnd(trailers?: FieldList): void;
  onUpstreamDrain(): void;
  onUpstreamFailed(failure: UpstreamFailure): void;
}
