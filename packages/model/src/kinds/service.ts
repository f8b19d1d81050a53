import { isIP } from 'node:net';
import type { z } from 'zod';
import {
  choice,
  duration,
  flag,
  integer,
  line,
  list,
  name,
  object,
  port,
  say,
  serverName,
  size,
  upstreamAddress,
} from '../fields.ts';
import { affinity } from './affinity.ts';
import { entriesOf, fieldOf, type Kind, type Reference, writeVerbs } from './kind.ts';
import { loadBalancing } from './service-balancing.ts';
import { healthCheck } from './service-health.ts';
import { circuitBreaker, retryBudget } from './service-protection.ts';

/** TLS towards endpoints. A Service with a TLS protocol and without this block has its defaults. */
export const upstreamTls = object(
  {
    serverName: serverName
      .optional()
      .describe('SNI and verified name of endpoints that have none of their own; absent = their DNS name.'),
    trust: list(name.describe('Certificate in the namespace of the Service.'), {
      description: 'Certificates that may have signed that of an endpoint; empty = the system store.',
      max: 32,
      key: '',
    }).default([]),
    clientCertificate: name
      .optional()
      .describe('Certificate with a key that is shown to endpoints which ask for one.'),
    verify: flag('false takes any certificate, and warns at every apply.').default(true),
    minVersion: choice('Oldest version that is spoken.', ['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
  },
  'TLS towards endpoints; protocols https, h2 and grpcs only.',
);

/** A Service of gRPC without this block has its defaults. */
export const grpcSettings = object(
  {
    maxMessageSize: size
      .default('4MiB')
      .describe('Of one message, either way; over: RESOURCE_EXHAUSTED. 0B = off.'),
  },
  'Protocols grpc and grpcs only.',
);

const serviceFields = object(
  {
    protocol: choice(
      'How endpoints are spoken to: http is HTTP/1.1, h2c HTTP/2 and grpc HTTP/2 for gRPC; https, h2 and grpcs are the same over TLS. Nothing is negotiated.',
      ['http', 'https', 'h2c', 'h2', 'grpc', 'grpcs'],
    ).default('http'),
    endpoints: list(
      object(
        {
          address: upstreamAddress,
          port,
          weight: integer('a weight', 'Share of the requests; 0 = no new traffic.', 0, 1_000_000).default(1),
          priority: integer(
            'a priority',
            'policy first: 0 is the best, and the others wait until none of the better ones is fit.',
            0,
            100,
          ).default(0),
          zone: line('a zone', "Where it is, compared with the node's label zone.", 63).optional(),
          serverName: serverName
            .optional()
            .describe('SNI and verified name of this endpoint; goes before that of tls.'),
        },
        'One address and port.',
      ),
      { description: 'Static endpoints.', max: 1000, key: 'address+port' },
    ).default([]),
    loadBalancing,
    affinity: affinity.optional().describe('Which requests go to the same one of the endpoints.'),
    healthCheck,
    timeouts: object(
      { connect: duration.default('5s').describe('Until connected. 502 upstream_connect_failed.') },
      'Time limits.',
    ).prefault({}),
    pool: object(
      {
        maxConnections: integer(
          'a number of connections',
          'Connections to one endpoint. One of HTTP/2 carries up to 100 requests at once, or as many as the endpoint allows.',
          1,
          65_535,
        ).default(256),
        maxWaiting: integer(
          'a number of requests',
          'Requests that wait for a connection; over: 503 overloaded.',
          0,
          1_000_000,
        ).default(1024),
        idleTimeout: duration
          .default('60s')
          .describe("Idle connections are closed after this; keep it under the upstream's own."),
        maxRequestsPerConnection: integer(
          'a number of requests',
          'Then the connection is closed; 0 = off.',
          0,
          10_000_000,
        ).default(0),
        maxAge: duration
          .default('0s')
          .describe('A connection of this age takes no further request; 0s = off.'),
      },
      'Connections, per node and endpoint.',
    ).prefault({}),
    retryBudget,
    circuitBreaker: circuitBreaker.optional(),
    tls: upstreamTls.optional(),
    grpc: grpcSettings.optional(),
  },
  'The registry entry of an upstream: its endpoints and how to talk to them.',
);

type ServiceFields = z.output<typeof serviceFields>;

/** What fields forbid each other. */
export const serviceSpec = serviceFields.superRefine((spec, context) => {
  const complain = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message });
  const { protocol } = spec;
  if (spec.healthCheck.active?.type === 'grpc' && (protocol === 'http' || protocol === 'https'))
    complain(
      ['healthCheck', 'active', 'type'],
      say(
        'not_allowed_here',
        `protocol ${protocol} is HTTP/1.1, and gRPC is not`,
        'write protocol: grpc, grpcs, h2c or h2',
      ),
    );
  if (spec.grpc !== undefined && !isGrpc(protocol))
    complain(
      ['grpc'],
      say('not_allowed_here', `protocol ${protocol} is not read as gRPC`, 'write protocol: grpc or grpcs'),
    );
  if (!hasTls(protocol)) {
    const secure = { http: 'https', h2c: 'h2', grpc: 'grpcs' }[protocol];
    for (const path of tlsFieldsOf(spec))
      complain(path, say('not_allowed_here', `protocol ${protocol} has no TLS`, `write protocol: ${secure}`));
    return;
  }
  if (spec.tls?.verify === false || spec.tls?.serverName !== undefined) return;
  for (const [index, { address, serverName: own }] of spec.endpoints.entries()) {
    if (isIP(address) === 0 || own !== undefined) continue;
    complain(
      ['endpoints', index],
      say(
        'missing',
        `${address} has no name that its certificate could be verified against`,
        'write serverName here or in tls',
      ),
    );
  }
});

/** Whether endpoints are spoken to over TLS. */
export function hasTls(protocol: ServiceFields['protocol']): protocol is 'https' | 'h2' | 'grpcs' {
  return protocol === 'https' || protocol === 'h2' || protocol === 'grpcs';
}

/** Whether endpoints speak gRPC, and nothing else. */
export function isGrpc(protocol: ServiceFields['protocol']): protocol is 'grpc' | 'grpcs' {
  return protocol === 'grpc' || protocol === 'grpcs';
}

function tlsFieldsOf({ tls, endpoints }: ServiceFields): (string | number)[][] {
  const named = endpoints.flatMap((endpoint, index) =>
    endpoint.serverName === undefined ? [] : [['endpoints', index, 'serverName']],
  );
  return tls === undefined ? named : [['tls'], ...named];
}

export type ServiceSpec = z.output<typeof serviceSpec>;

export const serviceKind: Kind<typeof serviceSpec> = {
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  namespaced: true,
  description: 'A registry entry: protocol, endpoints, balancing.',
  verbs: writeVerbs,
  spec: serviceSpec,
  references: (spec) => {
    const tls = fieldOf(spec, 'tls');
    return [
      ...entriesOf(tls, 'trust').map((trusted, index) => ({
        pointer: `/spec/tls/trust/${index}`,
        name: trusted,
      })),
      { pointer: '/spec/tls/clientCertificate', name: fieldOf(tls, 'clientCertificate') },
    ].flatMap(({ pointer, name: certificate }): Reference[] =>
      typeof certificate === 'string' ? [{ pointer, kind: 'Certificate', name: certificate }] : [],
    );
  },
  plannedFields: ['discovery'],
};
