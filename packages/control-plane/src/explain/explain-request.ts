import type { ExplainCandidate, Explanation, ExplainRequest } from '@causeway/model/api-types';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import { apiVersion, qualifiedName, resourceKey, type Spec } from '@causeway/model/resource';
import { type CanonicalPath, canonicalPath } from '@causeway/router/canonical-path';
import { type Candidate, explainRoute, nearestRules, type RouteExplanation } from '@causeway/router/explain';
import type { NodeRegistry } from '../publish/node-registry.ts';
import { endpointResources } from '../status/endpoint-status.ts';
import type { Entry, ResourceIndex } from '../store/resource-index.ts';
import { describeMatch } from './describe-match.ts';
import { answersPreflights, explainFilters } from './explain-filters.ts';
import { listenerFor, type RouteTables } from './route-tables.ts';

/** A documentation address (RFC 5737): the client when none is named. */
const clientAddressDefault = '203.0.113.1';

export interface ExplainInput {
  index: ResourceIndex;
  tables: RouteTables;
  nodes: NodeRegistry;
  gateway: Entry;
  /** Checked by the caller: an absolute http(s) URL, a method, header pairs. */
  request: ExplainRequest['request'];
}

/**
 * Why a request gets the Route that it gets, from the configuration alone: the functions that a node runs, over the same
 * compiled Routes. A request that a node would refuse is an answer as well, with its reason.
 */
export function explainRequest({ index, tables, nodes, gateway, request }: ExplainInput): Explanation {
  const url = new URL(request.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const spec = gateway.effective as GatewaySpec;
  const name = gateway.resource.metadata.name;
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const listener = listenerFor(spec, host, port) ?? null;
  const base = { ...nothing, revision: index.revision, gateway: name, listener };
  const path = canonicalPath(targetOf(request.url), spec.paths.mergeSlashes);
  if (!path.ok) return { ...base, reason: 'bad_request', detail: path.detail };
  const canonical = { host, path: path.path };
  if (listener === null)
    return {
      ...base,
      canonical,
      reason: 'no_route',
      detail: `no listener of gateway/${name} is for ${host}`,
    };
  const redirectPort = spec.listeners.find((one) => one.name === listener)?.redirectToHttps;
  if (redirectPort !== undefined)
    return {
      ...base,
      canonical,
      detail: `listener ${listener} sends every request to https, port ${redirectPort} (308)`,
    };
  const header = headerReader(request.headers ?? []);
  const { method } = request;
  const explained = explainRoute(
    tables.get(name, listener),
    { method, host, path: path.path, query: path.query, encoded: path.encoded, header },
    (route) => answersPreflights(gateway, route, index),
  );
  const explanation: Explanation = {
    ...base,
    canonical,
    candidates: explained.candidates.map(shownCandidate),
    omitted: explained.omitted,
    ...outcomeParts(explained),
  };
  if (explained.outcome.kind !== 'match') return explanation;
  const route = explained.outcome.rule.value;
  const { clientAddress = clientAddressDefault } = request;
  const filters = explainFilters(gateway, route, index, {
    method,
    clientAddress,
    path: path.path,
    header,
  });
  const reached = {
    ...destination(route, index, request, url, path),
    endpoints: endpointsOf(route, index, nodes),
  };
  // A filter that answers leaves nothing for an upstream.
  const isAnswered = filters.some(({ effect }) => effect.status !== null);
  return { ...explanation, filters, ...(isAnswered ? { ...reached, upstream: null } : reached) };
}

const nothing: Omit<Explanation, 'revision' | 'gateway' | 'listener'> = {
  apiVersion,
  kind: 'Explanation',
  canonical: null,
  route: null,
  match: null,
  reason: null,
  candidates: [],
  omitted: 0,
  filters: [],
  backends: [],
  endpoints: [],
  upstream: null,
  timeouts: {},
  streams: {},
};

/** Path and query as written: a URL parser would normalise what is to be explained. */
function targetOf(url: string): string {
  const target = /^[^:]+:\/\/[^/?#]*([^#]*)/.exec(url)?.[1] ?? '';
  return target.startsWith('/') ? target : `/${target}`;
}

/** Values of a repeated name joined as on a node: by "; " for cookies, else by ", ". */
function headerReader(headers: readonly [string, string][]): (name: string) => string | undefined {
  const joined = new Map<string, string>();
  for (const [written, value] of headers) {
    const name = written.toLowerCase();
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  return (name) => joined.get(name);
}

function shownCandidate(candidate: Candidate<Entry>): ExplainCandidate {
  const { rule, ...rest } = candidate;
  return { route: rule.key, match: rule.index, summary: describeMatch(rule), ...rest };
}

type OutcomeParts = Pick<Explanation, 'route' | 'match' | 'reason'> &
  Partial<Pick<Explanation, 'detail' | 'nearest'>>;

function outcomeParts(explained: RouteExplanation<Entry>): OutcomeParts {
  const { outcome } = explained;
  const nearest = nearestRules(explained).map(({ rule, detail }) => ({ route: rule.key, detail }));
  switch (outcome.kind) {
    case 'match':
      return { route: outcome.rule.key, match: outcome.rule.index, reason: null };
    case 'method_not_allowed':
      return {
        route: null,
        match: null,
        reason: outcome.kind,
        detail: `allowed: ${outcome.allow.join(', ')}`,
        nearest,
      };
    case 'bad_request':
      return {
        route: outcome.rule.key,
        match: outcome.rule.index,
        reason: outcome.kind,
        detail: `the Route does not allow an encoded ${outcome.refused.join(', ')} in the path`,
      };
    case 'no_route':
      return {
        route: null,
        match: null,
        reason: outcome.kind,
        detail: 'No route takes this request.',
        nearest,
      };
  }
}

function destination(
  route: Entry,
  index: ResourceIndex,
  request: ExplainRequest['request'],
  url: URL,
  path: CanonicalPath,
): Partial<Explanation> {
  const spec = route.effective as RouteSpec;
  const { namespace } = route.resource.metadata;
  const of = spec.backends.reduce((sum, backend) => sum + backend.weight, 0);
  return {
    backends: spec.backends.map(({ service, weight }) => ({
      service: qualifiedName(namespace, service),
      weight,
      of,
    })),
    upstream: {
      method: request.method,
      target: path.path + (path.query === undefined ? '' : `?${path.query}`),
      headers: upstreamHeaders(request, url),
    },
    timeouts: timeoutsOf(route, servicesOf(route, index)),
    streams: streamsOf(route),
  };
}

function servicesOf(route: Entry, index: ResourceIndex): Entry[] {
  const { namespace } = route.resource.metadata;
  return (route.effective as RouteSpec).backends
    .map(({ service }) => index.get(resourceKey({ kind: 'Service', namespace, name: service })))
    .filter((entry) => entry !== undefined);
}

function endpointsOf(route: Entry, index: ResourceIndex, nodes: NodeRegistry): Explanation['endpoints'] {
  return servicesOf(route, index).flatMap((service) =>
    endpointResources(service, index, nodes).map(({ metadata, spec, status }) => ({
      service: qualifiedName(metadata.namespace, spec.service),
      address: spec.address,
      port: spec.port,
      weight: spec.weight,
      state: status.state,
      healthyOn: status.healthyOn,
      of: status.of,
    })),
  );
}

function upstreamHeaders(
  { clientAddress = clientAddressDefault }: ExplainRequest['request'],
  url: URL,
): [string, string][] {
  return [
    ['host', url.host],
    ['x-forwarded-for', clientAddress],
    ['x-forwarded-host', url.host],
    ['x-forwarded-port', url.port || (url.protocol === 'https:' ? '443' : '80')],
    ['x-forwarded-proto', url.protocol.slice(0, -1)],
    ['x-request-id', '(new)'],
  ];
}

function timeoutsOf(route: Entry, services: readonly Entry[]): Explanation['timeouts'] {
  const timeouts: Explanation['timeouts'] = {};
  const [service] = services;
  if (service) {
    const written = (service.resource.spec['timeouts'] as Spec | undefined)?.['connect'] !== undefined;
    timeouts['connect'] = {
      value: (service.effective as ServiceSpec).timeouts.connect,
      from: written ? 'service' : 'default',
    };
  }
  const writtenTimeouts = (route.resource.spec['timeouts'] ?? {}) as Spec;
  for (const [name, value] of Object.entries((route.effective as RouteSpec).timeouts)) {
    timeouts[name] = { value, from: writtenTimeouts[name] === undefined ? 'default' : 'route' };
  }
  return timeouts;
}

/** As it is written: a Route that says nothing has no word for it here. */
function streamsOf({ resource }: Entry): Explanation['streams'] {
  const blocks = ['websocket', 'sse', 'onExpire'].flatMap((block) =>
    Object.entries((resource.spec[block] ?? {}) as Spec).map(
      ([field, value]) =>
        [`${block}.${field}`, Array.isArray(value) ? value.join(' ') : String(value)] as const,
    ),
  );
  return Object.fromEntries(blocks);
}
