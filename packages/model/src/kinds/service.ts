import type { z } from 'zod';
import { choice, duration, integer, list, object, port, upstreamAddress } from '../fields.ts';
import { type Kind, writeVerbs } from './kind.ts';

export const serviceSpec = object(
  {
    protocol: choice('How endpoints are spoken to.', ['http']).default('http'),
    endpoints: list(
      object(
        {
          address: upstreamAddress,
          port,
          weight: integer('a weight', 'Share of the requests; 0 = no new traffic.', 0, 1_000_000).default(1),
        },
        'One address and port.',
      ),
      { description: 'Static endpoints.', max: 1000, key: 'address+port' },
    ).default([]),
    loadBalancing: object(
      { policy: choice('How an endpoint is picked.', ['roundRobin']).default('roundRobin') },
      'How requests are spread over the endpoints.',
    ).prefault({}),
    timeouts: object(
      { connect: duration.default('5s').describe('Until connected. 502 upstream_connect_failed.') },
      'Time limits.',
    ).prefault({}),
    pool: object(
      {
        maxConnections: integer('a number of connections', 'Connections to one endpoint.', 1, 65_535).default(
          256,
        ),
        maxWaiting: integer(
          'a number of requests',
          'Requests that wait for a connection; over: 503 overloaded.',
          0,
          1_000_000,
        ).default(1024),
        idleTimeout: duration
          .default('60s')
          .describe("Idle connections are closed after this; keep it under the upstream's own."),
      },
      'Connections, per node and endpoint.',
    ).prefault({}),
  },
  'The registry entry of an upstream: its endpoints and how to talk to them.',
);

export type ServiceSpec = z.output<typeof serviceSpec>;

export const serviceKind: Kind<typeof serviceSpec> = {
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  namespaced: true,
  description: 'A registry entry: protocol, endpoints, balancing.',
  verbs: writeVerbs,
  spec: serviceSpec,
  references: () => [],
  plannedFields: [
    'discovery',
    'affinity',
    'healthCheck',
    'retryBudget',
    'circuitBreaker',
    'tls',
    'grpc',
    'priority',
    'zone',
    'serverName',
    'hash',
    'boundedLoadPercent',
    'slowStart',
    'spillPercent',
    'maxRequestsPerConnection',
    'maxAge',
  ],
};
