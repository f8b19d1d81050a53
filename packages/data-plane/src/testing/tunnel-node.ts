/** A node whose only Route leads to an upstream of WebSockets, and what is left of them when they are over. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  ClientAuth,
  type CompiledGatewaySchema,
  type CompiledRouteSchema,
  type CompiledServiceSchema,
  Protocol,
  TlsVersion,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import type { ProxyNodeOptions } from '../node.ts';
import { until } from './http-client.ts';
import {
  certificateItem,
  endpoints,
  gatewayItem,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
} from './node-fixture.ts';
import { type Spoken, testIdentity } from './tunnel-ends.ts';

export interface TunnelNodeOptions {
  readonly clients?: Spoken;
  readonly upstream?: Spoken;
  readonly gateway?: MessageInitShape<typeof CompiledGatewaySchema>;
  readonly route?: MessageInitShape<typeof CompiledRouteSchema>;
  readonly service?: MessageInitShape<typeof CompiledServiceSchema>;
  readonly node?: Partial<ProxyNodeOptions>;
}

const protocols = { http: Protocol.HTTP, https: Protocol.HTTPS, h2c: Protocol.H2C, h2: Protocol.H2 } as const;

/** Route and Service are named `chat`; `ports` are its endpoints. */
export async function tunnelNode(
  context: TestContext,
  ports: readonly number[],
  { clients = 'http', upstream = 'http', gateway, route, service, node }: TunnelNodeOptions = {},
): Promise<NodeFixture> {
  const isSecure = clients === 'https' || clients === 'h2';
  const { issued } = await testIdentity();
  const minVersion = TlsVersion.TLS_VERSION_1_2;
  const tls = { certificates: ['default/a'], minVersion, clientAuth: ClientAuth.NONE };
  const listener = { name: 'http', address: '127.0.0.1', port: 0, http2: true, ...(isSecure && { tls }) };
  const isTls = upstream === 'https' || upstream === 'h2';
  const shape = { protocol: protocols[upstream], ...(isTls && { tls: { verify: false, minVersion } }) };
  return startNode(
    context,
    {
      items: [
        gatewayItem({ listeners: [listener], timeouts: { drainMs: 300 }, ...gateway } as typeof gateway),
        certificateItem('a', issued),
        serviceItem('chat', { ...shape, ...service } as typeof service),
        routeItem('chat', '/', route),
      ],
      endpoints: [endpoints('chat', ports)],
    },
    node,
  );
}

/** Nothing of what went through the node is counted or held any more, but connections that are kept for later. */
export async function assertNothingLeft({ node }: NodeFixture): Promise<void> {
  await until('all streams are over', () => Object.values(node.streams.counts).every((count) => count === 0));
  await until('all requests are over', () => node.activeRequests === 0);
  assert.equal(node.streams.list({ limit: 10 }, 0).total, 0);
  assert.equal(node.retiredTables, 0);
  assert.equal(node.upstreamConnections[0]?.waiting, 0);
}
