/** The life of a request, from its head to the upstream. What comes after is `relay.ts`. */

import type { RequestHead } from '@causeway/http1/request-head';
import { type CanonicalPath, canonicalPath } from '@causeway/router/canonical-path';
import type { RouteRequest } from '@causeway/router/request-view';
import type { RouteMatch } from '@causeway/router/route-match';
import { type AnswersPreflight, matchRoute } from '@causeway/router/router';
import { createRequestId } from '@causeway/runtime/request-id';

import type { MatchedRoute, RouteEntry } from '../table/route-entry.ts';
import {
  listenerFor,
  type Table,
  type TableListener,
  tableService,
  type TableSocket,
} from '../table/table.ts';
import { ChoiceRequest } from '../upstream/balancing/choice-request.ts';
import type { LiveEndpoint } from '../upstream/live-endpoint.ts';
import type { Ticket } from '../upstream/service-gate.ts';
import type { ServiceHandle } from '../upstream/service-handle.ts';
import { askService } from './asked-service.ts';
import { clientAddress, plainAddress } from './client-address.ts';
import type {
  Downstream,
  DownstreamEvents,
  FieldList,
  MessageFault,
  PeerConnection,
  RequestHandler,
  UpstreamCall,
  UpstreamRequest,
  WholeResponse,
} from './exchange.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import type { FilteredRequest } from './filtered-relay.ts';
import { maxForwards, upstreamFields } from './forwarding-headers.ts';
import { grpcCallOf } from './grpc-call.ts';
import { guardRequest } from './guard-request.ts';
import { joinedField } from './head-fields.ts';
import { faultRefusal, type Refusal, reasons, refusalResponse } from './reasons.ts';
import { askOnward } from './onward-request.ts';
import { openCopy } from './mirrored-request.ts';
import { admitWebSocket, readsMessages } from './open-tunnel.ts';
import type { ProxyContext } from './proxy-context.ts';
import { Relay } from './relay.ts';
import { sourcedRequest } from './request-source.ts';
import { targetOf } from './target.ts';
import { RetriedCall } from './retried-call.ts';
import { isRepeatable } from './retry-policy.ts';
import { isAcceptableRequestId } from './request-id.ts';
import { ownFields } from './response-head.ts';

/** The handler that every listener of a node hands its requests to. Needs a live table. */
export function createRequestHandler(context: ProxyContext): RequestHandler {
  return {
    handle: (downstream) => handleRequest(context, downstream),
    refuse: (connection, fault, detail) => refuseMessage(context, connection, fault, detail),
  };
}

function handleRequest(context: ProxyContext, downstream: Downstream): DownstreamEvents {
  // 1. Pin the table: this exchange sees no other, however long it takes.
  const generation = liveGeneration(context).acquire();
  const record = createRecord(context, generation.table, downstream.connection, downstream.head);
  const relay = new Relay(context, downstream, generation, record);
  try {
    const refusal = proxyRequest(context, generation.table, downstream, relay);
    if (refusal !== undefined) relay.refuse(refusal);
  } catch (error) {
    relay.crash(error);
  }
  return relay;
}

function proxyRequest(
  context: ProxyContext,
  table: Table,
  downstream: Downstream,
  relay: Relay,
): Refusal | undefined {
  const { gateway } = table;
  const { connection, head } = downstream;
  const { record } = relay;
  relay.grpc = grpcCallOf(head);

  // 2. Guard: refuse what is ambiguous or not for a gateway.
  const request = guardRequest(head, connection.scheme);
  if ('reason' in request) return request;
  record.host = request.host;
  if (relay.grpc?.isWellFormed === false)
    return { reason: 'bad_request', detail: 'grpc-timeout is no timeout.' };

  // 3. Find out who the client is.
  record.client = clientAddress(connection.peerAddress, head, gateway.clientAddress);

  // 4. Bring the path to its one spelling; what is matched is what the upstream gets.
  if (request.target === '*' || (head.method === 'OPTIONS' && maxForwards(head) === 0)) {
    relay.answer(204, [], undefined, false);
    return undefined;
  }
  const canonical = canonicalPath(request.target, gateway.mergeSlashes);
  if (!canonical.ok) return { reason: 'bad_request', detail: sentence(canonical.detail) };
  record.path = canonical.path;
  record.query = canonical.query;

  // 5. Choose the listener by host, then the Route.
  const listener = findListener(table, connection, request.host);
  if ('reason' in listener) return listener;
  if (listener.spec.redirectPort > 0) {
    if (request.host === '')
      return { reason: 'bad_request', detail: 'Without Host there is nowhere to redirect to.' };
    const location = httpsLocation(request.authority, listener.spec.redirectPort, canonical);
    relay.answer(308, ['location', location], undefined, false);
    return undefined;
  }
  const routeRequest: RouteRequest = {
    method: head.method,
    host: request.host,
    path: canonical.path,
    query: canonical.query,
    encoded: canonical.encoded,
    header: headerOf(head),
  };
  const found = findRoute(listener, table, routeRequest);
  if ('reason' in found) return found;
  const { route, path } = found.rule.value;
  record.route = route.name;
  record.routePath = path;

  // 6. Hold the limits that need no more than the head.
  const bodyBytesMax = route.bodyBytesMax ?? gateway.bodyBytesMax;
  // This exchange is among the active ones.
  const { activeRequestsMax } = gateway;
  if (activeRequestsMax > 0 && context.shared.slices.sumAfterOwn('activeRequests') > activeRequestsMax)
    return { reason: 'overloaded' };
  if (route.activeRequestsMax > 0 && !relay.enterRoute(route.name, route.activeRequestsMax))
    return { reason: 'overloaded' };
  // Of a body without a declared length the codec's number is negative.
  if (bodyBytesMax > 0 && head.bodyLength > bodyBytesMax) return { reason: 'payload_too_large' };
  relay.limit(route.exchangeTimeouts(gateway), bodyBytesMax);
  relay.route = route;
  const refused = admitWebSocket(context, relay, head, route);
  if (refused !== undefined) return refused;

  // 7. Run the filters of the Route, if it has any; they go on with what is below.
  const { authority } = request;
  const sent: SentRequest = { context, table, route, downstream, authority, routeRequest };
  const chain = route.filters.chainIn(table.filters);
  if (chain === undefined) {
    const { path: sentPath, query: sentQuery } = canonical;
    return sendRequest(sent, relay, targetOf(sentPath, sentQuery), forwardedFields(sent, relay));
  }
  const filtered: FilteredRequest = {
    host: request.host,
    authority,
    path: canonical.path,
    query: canonical.query,
    scheme: connection.scheme,
    routeName: route.name,
    clientCertificate: connection.tls?.clientCertificate,
    routeMethods: route.methods,
    matchedLength: found.takenLength,
    known: table,
    header: headerOf(head),
    pathParameter: parameterOf(found.params),
    upstreamFields: () => forwardedFields(sent, relay),
    send: (target, fields) => {
      const failed = sendRequest(sent, relay, target, fields);
      if (failed !== undefined) relay.refuse(failed);
    },
    askService: (name, question) => askService(context, tableService(table, name), question),
    openCopy: (name, target, fields, copyBytesMax) => {
      const copied = { method: head.method, target, fields, bodyBytesMax: copyBytesMax };
      return openCopy(context, name, tableService(table, name), copied);
    },
    askOnward: (exchange, onward, question) => {
      const repeated = { record, request: filtered, table, route, routeRequest };
      return askOnward(context, repeated, exchange, onward, question);
    },
  };
  relay.filter(chain, filtered);
  return undefined;
}

/** What the last steps need of those before. */
interface SentRequest {
  readonly context: ProxyContext;
  readonly table: Table;
  readonly route: RouteEntry;
  readonly downstream: Downstream;
  readonly authority: string;
  readonly routeRequest: RouteRequest;
}

function sendRequest(
  sent: SentRequest,
  relay: Relay,
  target: string,
  fields: FieldList,
): Refusal | undefined {
  const { context, table, route, downstream } = sent;
  const { record } = relay;

  // 8. Pick the Service, then one of its endpoints: by weight and policy, or by what keeps a session where it is.
  const { backendChoice } = route;
  if (backendChoice.looksAtRequest) relay.choice = choiceRequest(sent, relay);
  const serviceName = backendChoice.next(relay.choice, context.affinityKeys);
  record.service = serviceName;
  const service = serviceName === undefined ? undefined : tableService(table, serviceName);
  if (service === undefined) return { reason: 'no_healthy_endpoint' };
  if (service.looksAtRequest) relay.choice ??= choiceRequest(sent, relay);
  const ticket = service.gate.admit();
  if (ticket < 0) return { reason: 'circuit_open', retryAfterSeconds: service.gate.retryAfterSeconds };
  const endpoint = service.pick(relay.choice);
  if (endpoint === undefined) {
    service.gate.leave(ticket);
    return { reason: 'no_healthy_endpoint' };
  }
  record.endpoint = endpoint.id;
  relay.grpc?.limit(service.grpcMessageBytesMax);

  // 9. Send it; from here on the relay carries bytes both ways, logs, counts and lets go.
  const { method, majorVersion } = downstream.head;
  const isTranslated = relay.grpc?.isTranslated === true;
  const request: UpstreamRequest = {
    method: isTranslated ? 'POST' : method,
    target,
    fields: relay.webSocket?.handshake.sentFields(fields, readsMessages(route, relay.filters)) ?? fields,
    handshake: relay.webSocket?.handshake.sent,
    bodyLength: relay.requestLength,
    wantsTrailers: isTranslated || (majorVersion === 2 && downstream.head.valueOf('te') === 'trailers'),
    mayHaveTrailers: majorVersion === 2 && relay.requestLength === 'unknown',
  };
  const { retry } = route;
  if (retry !== undefined && isRepeatable(retry, downstream.head)) {
    const pick = (tried: readonly LiveEndpoint[]) => service.pick(relay.choice, tried);
    const tries = new RetriedCall(context, relay, { policy: retry, service, request, pick });
    return startCall(relay, tries.start(endpoint, ticket) ? tries : undefined, service, ticket);
  }
  relay.beginTry();
  return startCall(relay, endpoint.pool.send(request, relay, endpoint, ticket), service, ticket);
}

/** `call` undefined: the endpoint takes no more. */
function startCall(
  relay: Relay,
  call: UpstreamCall | undefined,
  { gate }: ServiceHandle,
  ticket: Ticket,
): Refusal | undefined {
  if (call === undefined) {
    gate.leave(ticket);
    return { reason: 'overloaded' };
  }
  relay.start(call);
  return undefined;
}

/** Of a function of its own: a filter may ask for headers for as long as a stream lives, which must not keep the table. */
function headerOf(head: RequestHead): (lowerName: string) => string | undefined {
  return (lowerName) => joinedField(head, lowerName);
}

/** Likewise. */
function parameterOf(params: ReadonlyMap<string, string>): (name: string) => string | undefined {
  return (name) => params.get(name);
}

function choiceRequest({ route, routeRequest }: SentRequest, { record, filters }: Relay): ChoiceRequest {
  const { identity } = filters ?? {};
  return new ChoiceRequest(sourcedRequest(record.client, route.name, routeRequest, identity), record);
}

/** The head that goes upstream. */
function forwardedFields({ table, downstream, authority }: SentRequest, relay: Relay): string[] {
  const { connection, head } = downstream;
  const { trustedProxies } = table.gateway.clientAddress;
  return upstreamFields({
    head,
    authority,
    peerAddress: plainAddress(connection.peerAddress),
    peerIsTrusted: !trustedProxies.isEmpty && trustedProxies.has(connection.peerAddress),
    scheme: connection.scheme,
    localPort: connection.localPort,
    requestId: relay.record.requestId,
    forwarding: table.gateway.forwarding,
  });
}

function findListener(table: Table, connection: PeerConnection, host: string): TableListener | Refusal {
  const socket = table.sockets.get(connection.socketKey);
  // The listener left the Gateway while this connection was open.
  if (socket === undefined) return { reason: 'draining' };
  const listener = listenerFor(socket, host);
  if (listener === undefined) return { reason: 'no_route' };
  if (isMisdirected(socket, listener, connection.tls?.serverName)) return { reason: 'misdirected_request' };
  return listener;
}

/** Where a request of plain HTTP is sent to; its path as written would be ambiguous, so it is the one spelling. */
function httpsLocation(authority: string, port: number, { path, query }: CanonicalPath): string {
  const host = authority.replace(/:\d+$/, '');
  return `https://${host}${port === 443 ? '' : `:${port}`}${path}${query === undefined ? '' : `?${query}`}`;
}

function findRoute(
  listener: TableListener,
  table: Table,
  request: RouteRequest,
): RouteMatch<MatchedRoute> | Refusal {
  const outcome = matchRoute(
    listener.router,
    request,
    // Hot path: of other methods nothing is a preflight.
    request.method === 'OPTIONS' ? preflightAnswerer(table) : undefined,
  );
  switch (outcome.kind) {
    case 'match':
      return outcome;
    case 'no_route':
      return { reason: 'no_route' };
    case 'method_not_allowed':
      return { reason: 'method_not_allowed', allow: outcome.allow };
    case 'bad_request':
      return {
        reason: 'bad_request',
        detail: `The path holds an escaped or special ${outcome.refused.join(', ')}, which its Route does not allow.`,
      };
  }
}

function preflightAnswerer({ filters }: Table): AnswersPreflight<MatchedRoute> {
  return ({ route }) => route.filters.chainIn(filters)?.answersPreflights === true;
}

/** Whether a client asked TLS for a host of one listener and now asks for one of another (RFC 9110 section 15.5.20). */
function isMisdirected(
  socket: TableSocket,
  listener: TableListener,
  serverName: string | undefined,
): boolean {
  if (serverName === undefined || socket.listeners.length === 1) return false;
  const meant = listenerFor(socket, serverName);
  return meant !== undefined && meant !== listener;
}

const protocols = ['HTTP/1.0', 'HTTP/1.1'];

/** As access logs write it. */
function protocolOf({ majorVersion, minorVersion }: RequestHead): string | undefined {
  return majorVersion === 2 ? 'HTTP/2.0' : protocols[minorVersion];
}

/** Answers, logs and counts a message that never became a request. */
function refuseMessage(
  context: ProxyContext,
  connection: PeerConnection,
  fault: MessageFault,
  detail: string | undefined,
): WholeResponse {
  const { table } = liveGeneration(context);
  const record = createRecord(context, table, connection, undefined);
  const refusal = faultRefusal(fault, detail);
  record.status = reasons[refusal.reason].status;
  record.reason = refusal.reason;
  const response = refusalResponse(refusal, record.requestId, undefined);
  record.bytesOut = response.body.length;
  context.observer.onExchangeStart();
  context.observer.onExchangeOver(record);
  return { ...response, fields: ownFields(response.fields, record.requestId, record.startedWallMs) };
}

function createRecord(
  context: ProxyContext,
  table: Table,
  connection: PeerConnection,
  head: RequestHead | undefined,
): ExchangeRecord {
  const startedWallMs = context.clock.wallMs();
  const isLogged = table.gateway.accessLogEnabled;
  const { trustedProxies } = table.gateway.clientAddress;
  const isTrusted = !trustedProxies.isEmpty && trustedProxies.has(connection.peerAddress);
  const given = isTrusted ? head?.valueOf('x-request-id') : undefined;
  return {
    requestId: given !== undefined && isAcceptableRequestId(given) ? given : createRequestId(startedWallMs),
    method: head?.method ?? '-',
    startedWallMs,
    startedMs: context.clock.monotonicMs(),
    revision: table.revision,
    isLogged,
    protocol: head && protocolOf(head),
    query: undefined,
    referer: isLogged ? head?.valueOf('referer') : undefined,
    userAgent: isLogged ? head?.valueOf('user-agent') : undefined,
    client: plainAddress(connection.peerAddress),
    host: '',
    path: undefined,
    route: undefined,
    routePath: undefined,
    service: undefined,
    endpoint: undefined,
    consumer: undefined,
    cache: undefined,
    shadow: undefined,
    tries: 1,
    affinity: undefined,
    status: 0,
    grpcStatus: undefined,
    reason: undefined,
    stream: undefined,
    closeCode: undefined,
    ended: undefined,
    durationMs: 0,
    upstreamMs: undefined,
    bytesIn: 0,
    bytesOut: 0,
  };
}

function liveGeneration({ generations }: ProxyContext) {
  const { live } = generations;
  if (live === undefined) throw new Error('a request came before the first table');
  return live;
}

/** The router's details are clauses. */
function sentence(detail: string): string {
  return `${detail.slice(0, 1).toUpperCase()}${detail.slice(1)}.`;
}
