/** What the snapshot says of WebSockets and other streams of a Route, as the request path wants it. */

import { originMatcher } from '@causeway/filters/origins';
import type { CompiledRoute, WebSocketPolicy } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** Rules for messages that a client sends; of what upstreams send none is read. */
export interface MessagePolicy {
  /** Of a whole message; 0 = unlimited. */
  readonly messageBytesMax: number;
  /** On one connection; 0 = unlimited. */
  readonly messagesPerSecond: number;
  readonly refusesText: boolean;
  readonly refusesBinary: boolean;
}

export interface WebSocketSettings {
  readonly isEnabled: boolean;
  /** Whether pages of this origin may open a WebSocket; `origin` as it stands in the header, whatever a client wrote. */
  readonly allowsOrigin: (origin: string) => boolean;
  /** Open at the same time on this node; 0 = unlimited. */
  readonly connectionsMax: number;
  /** Milliseconds; 0 = off. */
  readonly lifetimeMs: number;
  /** Undefined: nothing asks for frames to be read. */
  readonly message: MessagePolicy | undefined;
  /** Milliseconds; 0 = off. */
  readonly pingIntervalMs: number;
  /** Milliseconds; counts only with an interval, and is never 0 then. */
  readonly pongTimeoutMs: number;
}

export interface StreamSettings {
  readonly webSocket: WebSocketSettings;
  /** Silence, in milliseconds, after which a comment goes into an event stream; 0 = off. */
  readonly eventsKeepAliveMs: number;
  /** How long, in milliseconds, a stream outlives what admitted it. */
  readonly expiryGraceMs: number;
}

export function readStreams({ webSocket, eventsKeepAliveMs, expiryGraceMs }: CompiledRoute): StreamSettings {
  return {
    webSocket: webSocket === undefined ? plainWebSockets : readWebSocket(webSocket),
    eventsKeepAliveMs,
    expiryGraceMs,
  };
}

/** Of Routes that say nothing: one object for all of them. */
const plainWebSockets: WebSocketSettings = {
  isEnabled: true,
  allowsOrigin: () => true,
  connectionsMax: 0,
  lifetimeMs: 0,
  message: undefined,
  pingIntervalMs: 0,
  pongTimeoutMs: 0,
};

function readWebSocket(policy: WebSocketPolicy): WebSocketSettings {
  const { connectionsMax, lifetimeMs, pingIntervalMs, pongTimeoutMs } = policy;
  return {
    isEnabled: !policy.disabled,
    allowsOrigin: policy.allowOrigins.length === 0 ? () => true : originMatcher(policy.allowOrigins),
    connectionsMax,
    lifetimeMs,
    message: readMessagePolicy(policy),
    pingIntervalMs,
    pongTimeoutMs,
  };
}

function readMessagePolicy(policy: WebSocketPolicy): MessagePolicy | undefined {
  const { messageBytesMax, messagesPerSecond, refusesText, refusesBinary, pingIntervalMs } = policy;
  const readsFrames =
    messageBytesMax > 0n || messagesPerSecond > 0 || refusesText || refusesBinary || pingIntervalMs > 0;
  if (!readsFrames) return undefined;
  return {
    messageBytesMax: Number(messageBytesMax),
    messagesPerSecond,
    refusesText,
    refusesBinary,
  };
}
