/** A node in this process, fed by hand: real sockets, no control plane. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Compiled, encodeItem } from '@causeway/proto/compiled';
import {
  type EndpointSet,
  EndpointSetSchema,
  type NodeProblem,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import {
  AccessLogFormat,
  BalancingPolicy,
  ClientAddressHeader,
  CompiledCertificateSchema,
  CompiledGatewaySchema,
  CompiledRouteSchema,
  CompiledServiceSchema,
  Protocol,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';

import { ProxyNode, type ProxyNodeOptions } from '../node.ts';
import type { ExchangeObserver, ExchangeRecord } from '../proxy/exchange-record.ts';
import type { SnapshotUpdate } from '../sync/snapshot-target.ts';

type GatewayInit = MessageInitShape<typeof CompiledGatewaySchema>;
type RouteInit = MessageInitShape<typeof CompiledRouteSchema>;
type ServiceInit = MessageInitShape<typeof CompiledServiceSchema>;

/** A Gateway as the control plane compiles one without any fields, but on a free port of loopback. */
export function gatewayItem(init: GatewayInit = {}): Compiled {
  const defaults: GatewayInit = {
    name: 'default',
    listeners: [{ name: 'http', address: '127.0.0.1', port: 0 }],
    clientAddress: { header: ClientAddressHeader.X_FORWARDED_FOR },
    mergeSlashes: true,
    accessLog: { format: AccessLogFormat.JSON, samplePercent: 100 },
    forwarding: {},
  };
  const timeouts = {
    requestHeadMs: 10_000,
    requestBodyIdleMs: 30_000,
    keepAliveMs: 75_000,
    drainDelayMs: 0,
    drainMs: 5000,
    tlsHandshakeMs: 10_000,
    ...init.timeouts,
  };
  const limits = {
    headBytesMax: 32_768,
    headersMax: 100,
    targetBytesMax: 8192,
    bodyBytesMax: 104_857_600n,
    connectionsMax: 20_000,
    requestsPerConnectionMax: 10_000,
    pipelinedMax: 16,
    streamsMax: 100,
    bytesPerSecondMin: 240,
    ...init.limits,
  };
  const value = create(CompiledGatewaySchema, { ...defaults, ...init, timeouts, limits } as GatewayInit);
  return { kind: 'gateway', key: `gateway/${value.name}`, value };
}

/** A Route for `prefix` in namespace default whose backend is the Service of the same name, unless it says otherwise. */
export function routeItem(name: string, prefix: string, init: RouteInit = {}): Compiled {
  const value = create(CompiledRouteSchema, {
    name: `default/${name}`,
    matches: [{ path: { case: 'prefix', value: prefix } }],
    backends: [{ service: `default/${name}`, weight: 1 }],
    ...init,
    timeouts: { responseHeadMs: 60_000, idleMs: 60_000, ...init.timeouts },
  } as RouteInit);
  return { kind: 'route', key: `route/default/${name}`, value };
}

export function serviceItem(name: string, init: ServiceInit = {}): Compiled {
  const value = create(CompiledServiceSchema, {
    name: `default/${name}`,
    protocol: Protocol.HTTP,
    policy: BalancingPolicy.ROUND_ROBIN,
    connectTimeoutMs: 5000,
    balancing: {},
    ...init,
    pool: { connectionsMax: 256, waitingMax: 1024, idleTimeoutMs: 60_000, ...init.pool },
  } as ServiceInit);
  return { kind: 'service', key: `service/default/${name}`, value };
}

export function certificateItem(name: string, init: { certificate: string; key?: string }): Compiled {
  const { certificate: chain, ...key } = init;
  const value = create(CompiledCertificateSchema, { name: `default/${name}`, chain, ...key });
  return { kind: 'certificate', key: `certificate/default/${name}`, value };
}

/** Endpoints on loopback; a weight may follow a port. */
export function endpoints(
  name: string,
  ports: readonly (number | [number, number])[],
  version = 1,
): EndpointSet {
  return create(EndpointSetSchema, {
    service: `default/${name}`,
    version,
    entries: ports.map((entry) => {
      const [port, weight] = typeof entry === 'number' ? [entry, 1] : entry;
      return { id: `e-${port}`, address: '127.0.0.1', port, weight };
    }),
  });
}

export interface Change {
  readonly items?: readonly Compiled[];
  readonly removedKeys?: readonly string[];
  readonly endpoints?: readonly EndpointSet[];
}

/** Keeps the snapshot that the node holds, and makes updates from changes as the config stream does. */
export class NodeFixture {
  readonly node: ProxyNode;
  /** Of every exchange that is over, and of every WebSocket. */
  readonly records: ExchangeRecord[] = [];
  /** Exchanges that became WebSockets. */
  upgraded = 0;
  /** Kinds of filters that threw. */
  readonly filterErrors: string[] = [];
  /** What became of retries. */
  readonly retries: string[] = [];
  /** What became of copies. */
  readonly mirrored: string[] = [];
  /** States that circuit breakers came to. */
  readonly transitions: string[] = [];
  #items = SnapshotItems.empty;
  #endpoints = new Map<string, EndpointSet>();
  #revision = 0;

  constructor(node?: ProxyNode, options: Partial<ProxyNodeOptions> = {}) {
    const observer: ExchangeObserver = {
      onExchangeStart: () => {},
      onUpstreamStart: () => {},
      onUpstreamOver: () => {},
      onMirrored: (_service, result) => this.mirrored.push(result),
      onRetry: (_service, result) => this.retries.push(result),
      onLogin: () => {},
      onBreaker: (_service, to) => this.transitions.push(to),
      onFilterRefusal: () => {},
      onPluginFailure: () => {},
      onFilterError: (kind) => this.filterErrors.push(kind),
      onExchangeOver: (record) => this.records.push(record),
      onUpgraded: () => {
        this.upgraded += 1;
      },
      onWebSocketOver: (record) => this.records.push(record),
    };
    const logger = createLogger({ level: 'error' });
    this.node = node ?? new ProxyNode({ logger, clock: systemClock, observer, random: () => 0, ...options });
  }

  /** The update that `change` makes of what was applied last. */
  update(change: Change): SnapshotUpdate {
    const changed = change.items ?? [];
    const removedKeys = change.removedKeys ?? [];
    const items = this.#items.with({ upserts: changed.map(encodeItem), removedKeys });
    const sets = new Map(this.#endpoints);
    for (const set of change.endpoints ?? []) sets.set(set.service, set);
    for (const key of removedKeys) sets.delete(key.replace(/^service\//, ''));
    return { revision: this.#revision + 1, items, changed, removedKeys, endpoints: sets };
  }

  async apply(change: Change): Promise<NodeProblem[]> {
    const update = this.update(change);
    const problems = await this.node.apply(update);
    if (problems.length > 0) return problems;
    this.#items = update.items;
    this.#endpoints = new Map(update.endpoints);
    this.#revision = update.revision;
    return [];
  }

  port(listener = 'http'): number {
    const port = this.node.listenerPort(listener);
    if (port === undefined) throw new Error(`listener ${listener} is not open`);
    return port;
  }

  url(path = '/'): string {
    return `http://127.0.0.1:${this.port()}${path}`;
  }
}

/** A node that serves `change`, besides the default Gateway; drained at the end of the test. */
export async function startNode(
  context: TestContext,
  change: Change,
  options?: Partial<ProxyNodeOptions>,
): Promise<NodeFixture> {
  const fixture = new NodeFixture(undefined, options);
  const hasGateway = change.items?.some(({ kind }) => kind === 'gateway') === true;
  const items = [...(hasGateway ? [] : [gatewayItem()]), ...(change.items ?? [])];
  const problems = await fixture.apply({ ...change, items });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  context.after(() => fixture.node.drain(0));
  return fixture;
}

/** What an upstream does with a request; a promise that rejects fails the test. */
export type Serve = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An upstream on a free port of loopback; ended with the test. */
export async function startUpstream(
  context: TestContext,
  serve: Serve,
): Promise<{ port: number; server: Server }> {
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return { port: address.port, server };
}
