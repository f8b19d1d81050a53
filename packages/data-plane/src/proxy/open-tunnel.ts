/** From an exchange whose upstream has agreed to a WebSocket to the tunnel that takes its place. */

import type { RequestHead } from '@causeway/http1/request-head';

import type { CountKey } from '../counts/shared-counts.ts';
import { StreamAdmission } from '../streams/live-stream.ts';
import { Tunnel, type TunnelFacts } from '../streams/tunnel.ts';
import { BytePass } from '../streams/websocket/byte-pass.ts';
import { MessagePass } from '../streams/websocket/message-pass.ts';
import { noRules } from '../streams/websocket/message-rules.ts';
import type { TunnelPass, TunnelPassOwner } from '../streams/websocket/tunnel-pass.ts';
import type { RouteEntry } from '../table/route-entry.ts';
import type { Downstream, FieldList, UpstreamCall } from './exchange.ts';
import type { ExchangeTimeouts } from './exchange-deadlines.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import { streamExpiry, type StreamParts } from './open-stream.ts';
import type { FilteredExchange } from './filtered-exchange.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { Refusal } from './reasons.ts';
import { checkHandshake, type Handshake, readHandshake } from './websocket-handshake.ts';

/** A WebSocket that is asked for, among those of its Route. */
export class WebSocketRequest {
  readonly handshake: Handshake;
  readonly #context: ProxyContext;
  #key: CountKey | undefined;

  constructor(context: ProxyContext, handshake: Handshake) {
    this.#context = context;
    this.handshake = handshake;
  }

  /** Counts it, for as long as it lives; false when there are `max` already. 0 = no limit. */
  enter(routeName: string, max: number): boolean {
    if (max === 0) return true;
    this.#key = this.#context.shared.enterWebSockets(routeName, max);
    return this.#key !== undefined;
  }

  /** It is over, or did not come about. A second call does nothing. */
  leave(): void {
    if (this.#key !== undefined) this.#context.shared.routes.leave(this.#key);
    this.#key = undefined;
  }
}

/** Whether the request asks for a WebSocket, and may: then it is among those of its Route from now on. Gives why it may not. */
export function admitWebSocket(
  context: ProxyContext,
  exchange: { webSocket: WebSocketRequest | undefined },
  head: RequestHead,
  { name, streams: { webSocket: settings } }: RouteEntry,
): Refusal | undefined {
  const handshake = readHandshake(head);
  if (handshake === undefined || 'reason' in handshake) return handshake;
  const refusal = checkHandshake(head, settings);
  if (refusal !== undefined) return refusal;
  if (context.streams.isDraining) return { reason: 'draining' };
  const request = new WebSocketRequest(context, handshake);
  if (!context.hasDescriptors() || !request.enter(name, settings.connectionsMax))
    return { reason: 'overloaded', detail: 'Too many WebSockets are open.' };
  exchange.webSocket = request;
  return undefined;
}

export interface Upgrade extends StreamParts {
  readonly record: ExchangeRecord;
  readonly timeouts: ExchangeTimeouts;
  readonly webSocket: WebSocketRequest;
  readonly downstream: Downstream;
  readonly call: UpstreamCall;
  /** Of the head that agrees. */
  readonly fields: FieldList;
}

/** Both sides leave the exchange, which is over for them. */
export function openTunnel(upgrade: Upgrade): void {
  const { context, webSocket, downstream, call, fields } = upgrade;
  const tunnel = new Tunnel(context, tunnelFacts(upgrade), (owner) => createPass(owner, upgrade));
  const upstream = call.switchProtocols(tunnel);
  const client = downstream.switchProtocols(webSocket.handshake.agreedFields(fields), tunnel);
  tunnel.begin(client, upstream);
}

/** Nothing of them leads to the table, which would not be let go for as long as the WebSocket lives. */
function tunnelFacts(upgrade: Upgrade): TunnelFacts {
  const { context, record, route, localPort, table, timeouts, filters, webSocket, call } = upgrade;
  return {
    record,
    settings: route.streams,
    admission: new StreamAdmission(record, { route, localPort, table, chain: filters?.chain }),
    idleMs: timeouts.streamIdleMs,
    stuckMs: timeouts.idleMs,
    call,
    expiry: streamExpiry(context, filters, route),
    onOver: () => {
      webSocket.leave();
      filters?.end();
      context.observer.onWebSocketOver(record);
    },
  };
}

/** Whether the messages of clients are to be read. */
export function readsMessages(route: RouteEntry, filters: FilteredExchange | undefined): boolean {
  return route.streams.webSocket.message !== undefined || filters?.chain.inspectsMessages === true;
}

function createPass(owner: TunnelPassOwner, { context, route, filters }: Upgrade): TunnelPass {
  if (!readsMessages(route, filters)) return new BytePass(owner);
  const { message: rules = noRules } = route.streams.webSocket;
  const judged =
    filters?.chain.inspectsMessages === true
      ? { ...rules, inspect: (data: Buffer, isText: boolean) => filters.inspect(data, isText) }
      : rules;
  return new MessagePass(owner, judged, context.clock, context.streams.heldMessages);
}
