/** Endpoints, which belong to their Services: read-only, and put together at each read. */

import type { EndpointResource, ResourceList } from '@causeway/model/api-types';
import { apiVersion, qualifiedName, resourceKey } from '@causeway/model/resource';
import type { Request } from 'express';
import { endpointResources } from '../status/endpoint-status.ts';
import { nodesWith } from '../status/nodes-with.ts';
import type { Entry } from '../store/resource-index.ts';
import { type Answer, limitParameter, queryParameters } from './answer.ts';
import { ApiError } from './api-error.ts';
import { type ApiContext, existingService } from './context.ts';
import { askNode, type LoadOnNode } from './node-commands.ts';
import { parseFieldSelector, parseLabelSelector } from './select.ts';

const fieldsSelected = ['metadata.name', 'metadata.namespace', 'spec.service', 'status.state'] as const;
/** Of so many Services in one answer the nodes are asked what goes on; of more it would take too long. */
const servicesAskedMax = 8;

/** By Service and in its order, of one namespace or of all; `continue` is the Service and the endpoint to go on after. */
export async function listEndpoints(
  context: ApiContext,
  request: Request,
  namespace: string | undefined,
): Promise<Answer> {
  const query = queryParameters(request, ['limit', 'continue', 'labelSelector', 'fieldSelector']);
  const labels = query.labelSelector ? parseLabelSelector(query.labelSelector) : undefined;
  const fields = query.fieldSelector ? parseFieldSelector(query.fieldSelector, fieldsSelected) : undefined;
  const isIn = ({ resource: { metadata } }: Entry): boolean =>
    (namespace === undefined || metadata.namespace === namespace) && (labels?.(metadata.labels) ?? true);
  const all = servicesIn(context)
    .filter(isIn)
    .flatMap((service) => endpointsOf(context, service))
    .filter((endpoint) => fields?.((field) => fieldOf(endpoint, field)) ?? true);
  const at = query.continue ? all.findIndex((endpoint) => placeOf(endpoint) === query.continue) : -1;
  // The endpoint it stopped at has gone, so nobody knows what was shown.
  if (query.continue && at < 0)
    throw new ApiError('expired', 'the endpoints have changed; start the listing again');
  const rest = all.slice(at + 1);
  const items = rest.slice(0, limitParameter(query.limit));
  const remaining = rest.length - items.length;
  const metadata = {
    resourceVersion: '',
    continue: remaining > 0 ? placeOf(items.at(-1)!) : '',
    remainingItemCount: remaining,
  };
  return { status: 200, body: endpointList(await withLoad(context, items), metadata) };
}

export async function getEndpoint(
  context: ApiContext,
  request: Request,
  namespace: string,
  name: string,
): Promise<Answer> {
  queryParameters(request, []);
  const endpoint = servicesIn(context)
    .filter(({ resource }) => resource.metadata.namespace === namespace)
    .flatMap((service) => endpointsOf(context, service))
    .find(({ metadata }) => metadata.name === name);
  if (!endpoint) throw new ApiError('not_found', `endpoint/${namespace}/${name} does not exist`);
  const [body] = await withLoad(context, [endpoint]);
  return { status: 200, body };
}

export async function serviceEndpoints(
  context: ApiContext,
  request: Request,
  namespace: string,
  name: string,
): Promise<Answer> {
  queryParameters(request, []);
  const items = endpointsOf(context, existingService(context, namespace, name));
  const metadata = { resourceVersion: '', continue: '', remainingItemCount: 0 };
  return { status: 200, body: endpointList(await withLoad(context, items), metadata) };
}

function servicesIn({ index }: ApiContext): Entry[] {
  return [...index.entriesOf('Service')].toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function endpointsOf({ index, nodes }: ApiContext, service: Entry): EndpointResource[] {
  return endpointResources(service, index, nodes);
}

function placeOf({ metadata, spec }: EndpointResource): string {
  return `${metadata.namespace}/${spec.service}/${metadata.name}`;
}

function fieldOf({ metadata, spec, status }: EndpointResource, field: string): string {
  switch (field) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'spec.service':
      return spec.service;
    default:
      return status.state;
  }
}

function endpointList(
  items: EndpointResource[],
  metadata: ResourceList['metadata'],
): ResourceList<EndpointResource> {
  return { apiVersion, kind: 'EndpointList', metadata, items };
}

/** With the requests that are under way, as far as the nodes that have the Services say so in time. */
async function withLoad(context: ApiContext, endpoints: EndpointResource[]): Promise<EndpointResource[]> {
  const services = new Map(
    endpoints.map(({ metadata: { namespace }, spec }) => {
      const service = resourceKey({ kind: 'Service', namespace, name: spec.service });
      return [qualifiedName(namespace, spec.service), context.index.get(service)] as const;
    }),
  );
  if (services.size > servicesAskedMax) return endpoints;
  const sums = new Map<string, EndpointSums>();
  const asked = [...services].flatMap(([name, entry]) =>
    entry === undefined
      ? []
      : nodesWith(entry, context.index, context.nodes).map(async ({ id }) => {
          const load = await askNode<LoadOnNode>(context, id, 'service-load', { service: name });
          for (const endpoint of load.endpoints) addTo(sums, endpoint);
        }),
  );
  // Who does not answer is left out: a listing is there to be looked at when things go wrong.
  await Promise.allSettled(asked);
  return endpoints.map((endpoint) => {
    const sum = sums.get(endpoint.metadata.name);
    return sum === undefined ? endpoint : { ...endpoint, status: { ...endpoint.status, ...shownSums(sum) } };
  });
}

/** Over all nodes, and over all addresses of a host name. */
interface EndpointSums {
  active: number;
  perSecond: number;
  failuresPerSecond: number;
}

function addTo(
  sums: Map<string, EndpointSums>,
  { id, active, recent }: LoadOnNode['endpoints'][number],
): void {
  const [ownId = ''] = id.split('/', 1);
  const sum = sums.get(ownId) ?? { active: 0, perSecond: 0, failuresPerSecond: 0 };
  sums.set(ownId, sum);
  sum.active += active;
  sum.perSecond += recent.requestsPerSecond;
  sum.failuresPerSecond += recent.failuresPerSecond;
}

function shownSums({ active, perSecond, failuresPerSecond }: EndpointSums) {
  return {
    activeRequests: active,
    requestsPerSecond: rounded(perSecond),
    errorPercent: perSecond === 0 ? null : rounded((100 * failuresPerSecond) / perSecond),
  };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
