import { z } from 'zod';
import {
  choice,
  duration,
  flag,
  grpcService,
  headerName,
  hostPattern,
  integer,
  line,
  list,
  literalPath,
  method,
  name,
  object,
  oneOf,
  regex,
  say,
  shown,
  size,
  templatePath,
} from '../fields.ts';
import { filterList, filterReferences } from '../filters/filter-item.ts';
import { filterProblems, missingOrIdleBackends } from '../filters/filter-rules.ts';
import { parseDurationMs } from '../quantity.ts';
import { affinity } from './affinity.ts';
import type { Problem } from '../problem.ts';
import { entriesOf, fieldOf, type Kind, writeVerbs } from './kind.ts';
import { retry } from './route-retry.ts';
import { onExpire, sse, websocket } from './route-streams.ts';

const gatewayReference = z
  .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not the name of a Gateway`) })
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/, {
    error: (issue) => say('bad_format', `${shown(issue.input)} is not "gateway" or "gateway/listener"`),
  });

const pathMatch = oneOf(
  {
    exact: literalPath.optional().describe('the whole path'),
    prefix: literalPath.optional().describe('whole segments: /a takes /a and /a/b, never /ab'),
    template: templatePath.optional().describe('{name} takes one segment, {name...} the rest'),
    regex: regex.optional().describe('linear-time syntax, anchored at both ends'),
  },
  'How the canonical path of a request is compared; absent = prefix /, or what grpc says.',
  {},
);

/** Predicate on a named value; the four ways to compare are keys, of which one is given. */
function valuePredicate(nameField: z.ZodType<string>, description: string) {
  const value = line('a value', 'Text to compare with.', 4096);
  return oneOf(
    {
      exact: value.optional().describe('the whole value'),
      prefix: value.optional().describe('the beginning of the value'),
      regex: regex.optional().describe('linear-time syntax, anchored at both ends'),
      present: flag('true: must be there; false: must be absent').optional(),
    },
    description,
    { name: nameField },
  );
}

export type PathMatch = z.output<typeof pathMatch>;

const queryName = line('a query parameter name', 'Name of a query parameter, case-sensitive.', 256);
const cookieName = line('a cookie name', 'Name of a cookie, case-sensitive.', 256);

const match = object(
  {
    path: pathMatch.optional(),
    grpc: object(
      {
        service: grpcService,
        method: line('a method', 'Absent = all of the service.', 256)
          .regex(/^[A-Za-z_]\w*$/, {
            error: (issue) => say('bad_format', `${shown(issue.input)} is not a name such as GetBook`),
          })
          .optional(),
      },
      'Calls by gRPC, in place of path.',
    ).optional(),
    methods: list(method, {
      description: 'Methods; empty = every method. GET does not imply HEAD.',
      max: 32,
      key: '',
    }).default([]),
    headers: list(valuePredicate(headerName, 'Header that must hold.'), {
      description: 'All must hold; a repeated header is joined by ", ".',
      max: 16,
      key: 'name',
    }).default([]),
    query: list(valuePredicate(queryName, 'Query parameter that must hold.'), {
      description: 'All must hold; the first value of a repeated name counts.',
      max: 16,
      key: 'name',
    }).default([]),
    cookies: list(valuePredicate(cookieName, 'Cookie that must hold.'), {
      description: 'All must hold; ranks with headers.',
      max: 16,
      key: 'name',
    }).default([]),
  },
  'What a request must look like; every given part must hold.',
);

/** Of a match: what its path is compared with, also where it is one of gRPC. */
export function pathOf({ grpc, path }: z.output<typeof match>): PathMatch {
  if (grpc === undefined) return path ?? { prefix: '/' };
  const below = `/${grpc.service}`;
  return grpc.method === undefined ? { prefix: below } : { exact: `${below}/${grpc.method}` };
}

function pathBesideGrpc(spec: unknown): Problem[] {
  return entriesOf(spec, 'matches').flatMap((entry, index): Problem[] =>
    fieldOf(entry, 'grpc') === undefined || fieldOf(entry, 'path') === undefined
      ? []
      : [
          {
            pointer: `/spec/matches/${index}/path`,
            code: 'exclusive',
            detail: 'grpc is a path already',
            hint: 'remove path, or write a match of its own for it',
          },
        ],
  );
}

export const routeSpec = object(
  {
    gateways: list(gatewayReference, {
      description: 'Gateways that carry this Route: "gateway" or "gateway/listener".',
      max: 16,
      min: 1,
      key: '',
    }).default(['default']),
    hosts: list(hostPattern, {
      description: 'Hosts; empty = every host of the listeners.',
      max: 64,
      key: '',
    }).default([]),
    matches: list(match, {
      description: 'Any of these takes the request; absent = prefix /.',
      min: 1,
      max: 64,
    }).default([{ path: { prefix: '/' }, methods: [], headers: [], query: [], cookies: [] }]),
    priority: integer(
      'a priority',
      'Breaks ties after query matches and before the name; higher first.',
      -1000,
      1000,
    ).default(0),
    allowEncoded: list(
      choice('Encoded character.', ['slash', 'backslash', 'question', 'hash', 'semicolon']),
      {
        description:
          'Characters that may stand percent-encoded (or raw, for backslash and semicolon) in the path; others are refused with 400. %00 never.',
        max: 5,
        key: '',
      },
    ).default([]),
    filters: filterList(
      'What is done to requests and responses, besides the filters of the Gateway. The order between filters is fixed by their phases.',
    ),
    backends: list(
      object({
        service: name.describe('Service in the namespace of the Route.'),
        weight: integer(
          'a weight',
          'Share of the requests; 0 keeps the reference and gets nothing.',
          0,
          1_000_000,
        ).default(1),
      }),
      {
        description: 'Services that answer, by weight. Needed unless a filter answers every request.',
        max: 64,
        key: 'service',
      },
    ).default([]),
    affinity: affinity.optional().describe('Which requests go to the same one of the backends.'),
    timeouts: object(
      {
        request: duration
          .default('0s')
          .describe(
            'The whole exchange with all its tries; 0s = off. Streams: until the response head. 504 upstream_timeout.',
          ),
        backendRequest: duration
          .default('0s')
          .describe('The same of one try; at most request when both are set. 0s = off.'),
        responseHead: duration
          .default('60s')
          .describe('From request sent to response head, of one try; 0s = off. 504 upstream_timeout.'),
        idle: duration
          .default('60s')
          .describe('No byte in either direction while an ordinary body passes; 0s = off.'),
        streamIdle: duration
          .default('0s')
          .describe('The same for WebSockets, event streams, NDJSON and gRPC; 0s = off.'),
      },
      'Time limits of one exchange.',
    )
      .superRefine(({ request, backendRequest }, context) => {
        const [wholeMs, tryMs] = [parseDurationMs(request), parseDurationMs(backendRequest)];
        if (!wholeMs || !tryMs || tryMs <= wholeMs) return;
        const message = say('out_of_range', `${backendRequest} is longer than request, ${request}`);
        context.addIssue({ code: 'custom', path: ['backendRequest'], message });
      })
      .prefault({}),
    retry: retry.optional(),
    limits: object(
      {
        maxBodySize: size
          .optional()
          .describe("Largest request body; overrides the Gateway's. 0B = unlimited."),
        maxActiveRequests: integer(
          'a number of requests',
          'Requests of this Route at the same time, per node; 0 = off; over: 503 overloaded.',
          0,
          10_000_000,
        ).default(0),
      },
      'Limits of this Route.',
    ).prefault({}),
    websocket: websocket.prefault({}),
    sse: sse.prefault({}),
    onExpire: onExpire.prefault({}),
  },
  'Hosts and matches, and the Services that take what matches.',
);

export type RouteSpec = z.output<typeof routeSpec>;

export const routeKind: Kind<typeof routeSpec> = {
  kind: 'Route',
  plural: 'routes',
  shortNames: ['rt'],
  namespaced: true,
  description: 'Hosts and matches (path, methods, headers, query) that lead to weighted backends.',
  verbs: writeVerbs,
  spec: routeSpec,
  references: (spec) => [
    ...entriesOf(spec, 'gateways').flatMap((gateway, index) =>
      typeof gateway === 'string'
        ? [{ pointer: `/spec/gateways/${index}`, kind: 'Gateway', name: gateway.split('/')[0]! }]
        : [],
    ),
    ...entriesOf(spec, 'backends').flatMap((backend, index) => {
      const service = fieldOf(backend, 'service');
      return typeof service === 'string'
        ? [{ pointer: `/spec/backends/${index}/service`, kind: 'Service', name: service }]
        : [];
    }),
    ...filterReferences(entriesOf(spec, 'filters')),
  ],
  check: (spec) => [...filterProblems(spec), ...missingOrIdleBackends(spec), ...pathBesideGrpc(spec)],
  plannedFields: ['filters', 'maxConnectionsPerConsumer', 'tracing'],
};
