import { create, isFieldSet } from '@bufbuild/protobuf';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { Websocket } from '@causeway/model/kinds/route-streams';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import {
  type CompiledRoute,
  type WebSocketPolicy,
  WebSocketPolicySchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

type StreamFields = Pick<CompiledRoute, 'eventsKeepAliveMs' | 'expiryGraceMs' | 'webSocket'>;

/** What a Route says of streams. One that says nothing about WebSockets has no policy at all. */
export function compileStreams(spec: RouteSpec): StreamFields {
  const webSocket = compileWebSocket(spec.websocket);
  const saysSomething = WebSocketPolicySchema.fields.some((field) => isFieldSet(webSocket, field));
  return {
    eventsKeepAliveMs: durationMs(spec.sse.keepAlive),
    expiryGraceMs: durationMs(spec.onExpire.grace),
    ...(saysSomething && { webSocket }),
  };
}

function compileWebSocket(websocket: Websocket): WebSocketPolicy {
  const pingIntervalMs = durationMs(websocket.pingInterval);
  return create(WebSocketPolicySchema, {
    disabled: !websocket.enabled,
    allowOrigins: websocket.allowOrigins.includes('*') ? [] : websocket.allowOrigins,
    connectionsMax: websocket.maxConnections,
    lifetimeMs: durationMs(websocket.maxLifetime),
    pingIntervalMs,
    pongTimeoutMs: pingIntervalMs === 0 ? 0 : durationMs(websocket.pongTimeout),
    messageBytesMax: BigInt(sizeBytes(websocket.maxMessageSize)),
    messagesPerSecond: websocket.messagesPerSecond,
    refusesText: !websocket.opcodes.includes('text'),
    refusesBinary: !websocket.opcodes.includes('binary'),
  });
}
