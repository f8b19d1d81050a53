/**
 * The seam between the recipe and the protocol code on both of its sides. Whoever speaks HTTP to clients (`listen/`) or to
 * upstreams (`upstream/`) implements these; the recipe sees nothing else, so either side can be replaced alone.
 *
 * One object per exchange takes the calls of both sides: no promise, closure or event emitter is needed for a request.
 */

/** Fields in the order of the message: name, value, name, value. Names in any case, one character a byte. */
export type HeaderList = readonly string[];

/** Octets of a body: a count that is declared beforehand, or `unknown` (chunked, or until the connection ends). */
export type BodyLength = number | 'unknown';

/** What a request knows of its connection. */
export interface PeerConnection {
  /** Key of the socket in the table (`address:port`) that serves it; another one once its port has moved. */
  readonly socketKey: string;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localPort: number;
  readonly scheme: 'http' | 'https';
}

/** Why a message could not be read to its end; the recipe has a reason for each. */
export type MessageFault =
  | 'malformed'
  | 'head_too_large'
  | 'uri_too_long'
  | 'head_timeout'
  | 'connect_refused';

/** A request whose head has arrived, and the way to answer it. All calls return at once. */
export interface Downstream {
  readonly connection: PeerConnection;
  readonly method: string;
  /** The request-target as sent. */
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: HeaderList;
  /** Whether the client waits for 100 Continue before it sends the body. */
  readonly expectsContinue: boolean;

  /** Delivers the body to the events from now on; sends 100 Continue first where it is expected. Call it at most once. */
  startBody(): void;
  pauseBody(): void;
  resumeBody(): void;

  /** Sends an informational head; nothing to an HTTP/1.0 client. Only before `sendHead`. */
  sendInformational(status: number, headers: HeaderList): void;
  /**
   * Sends the head. `headers` hold no framing and no Connection; these are made here from `length`, the method and the status.
   * `close` ends the connection after this exchange.
   */
  sendHead(status: number, headers: HeaderList, length: BodyLength | undefined, close: boolean): void;
  /** False when the client is slower than the sender: stop until `onDownstreamDrain`. */
  sendChunk(chunk: Uint8Array): boolean;
  /** Completes the response; what is left of the request's body is discarded within bounds. */
  endResponse(): void;
  /** Cuts the connection so that the client sees that the response is not complete. */
  reset(): void;
}

/** What happens on the client's side. Nothing is called before `handle` has returned, nor after one of the two last calls. */
export interface DownstreamEvents {
  onRequestChunk(chunk: Uint8Array): void;
  onRequestEnd(): void;
  /** The body's framing is broken: the connection is of no use after an answer. */
  onRequestFault(fault: MessageFault): void;
  onDownstreamDrain(): void;
  /** The response is out. The last call, unless the connection was closed first. */
  onResponseSent(): void;
  /** The connection is gone before the response was out. The last call. */
  onDownstreamClosed(): void;
}

/** A whole response, for requests of which no exchange could be made. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: string;
}

/** What a listener hands its requests to. */
export interface RequestHandler {
  handle(downstream: Downstream): DownstreamEvents;
  /** Answers for a message that never became a request; counts and logs it as one. */
  refuse(connection: PeerConnection, fault: MessageFault): WholeResponse;
}

/** A request as it goes to an upstream. `headers` hold neither framing nor Connection; without a Host the endpoint is named. */
export interface UpstreamRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly bodyLength: BodyLength;
}

/** Why an upstream could not be used. The reasons are those of the client-visible vocabulary. */
export interface UpstreamFailure {
  readonly reason: 'upstream_connect_failed' | 'upstream_reset' | 'upstream_protocol_error';
  /** For logs, not for clients: may name addresses. */
  readonly detail: string;
}

/** A request on its way. All calls return at once; after `abort` no event comes. */
export interface UpstreamCall {
  /** False when the upstream is slower than the sender: stop until `onUpstreamDrain`. */
  sendChunk(chunk: Uint8Array): boolean;
  endRequest(): void;
  pauseResponse(): void;
  resumeResponse(): void;
  /** Destroys the connection under the call, so that the upstream notices. */
  abort(): void;
}

/** What happens on the upstream's side. `onUpstreamEnd` or `onUpstreamFailed` is the last call. */
export interface UpstreamEvents {
  onUpstreamInformational(status: number, headers: HeaderList): void;
  onUpstreamHead(status: number, headers: HeaderList): void;
  onUpstreamChunk(chunk: Uint8Array): void;
  onUpstreamEnd(): void;
  onUpstreamDrain(): void;
  onUpstreamFailed(failure: UpstreamFailure): void;
}
