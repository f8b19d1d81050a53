/** Endpoints as the admin API shows them: what a Service says, and what the nodes find. Computed on read, never stored. */

import type { EndpointOnNode, EndpointResource, EndpointState } from '@causeway/model/api-types';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import { apiVersion, defaultNamespace, qualifiedName } from '@causeway/model/resource';
import {
  type Endpoint,
  type EndpointHealth,
  HealthState,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { NodeRecord, NodeRegistry } from '../publish/node-registry.ts';
import { staticEndpoints } from '../registry/static-endpoints.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { nodesWith } from './nodes-with.ts';

/** The endpoints of a Service, in its order. */
export function endpointResources(
  service: Entry,
  resources: ResourceView,
  nodes: NodeRegistry,
): EndpointResource[] {
  const concerned = nodesWith(service, resources, nodes);
  return staticEndpoints(service).entries.map((endpoint, place) =>
    endpointResource(service, endpoint, place, concerned),
  );
}

function endpointResource(
  service: Entry,
  endpoint: Endpoint,
  place: number,
  nodes: readonly NodeRecord[],
): EndpointResource {
  const { namespace = defaultNamespace, name, creationTimestamp } = service.resource.metadata;
  const spec = service.effective as ServiceSpec;
  const { zone = null, serverName = null } = spec.endpoints[place] ?? {};
  const isAsked = spec.healthCheck.active !== undefined;
  const { id, address, port, weight, priority } = endpoint;
  const findings = nodes.map((node) => node.health.of(qualifiedName(namespace, name), id));
  const onNodes = nodes.map((node, index) => ({ node: node.id, ...stateOf(findings[index]) }));
  const changedMs = Math.max(
    Date.parse(service.committedAt),
    ...findings.map((finding) => finding?.sinceMs ?? 0),
  );
  return {
    apiVersion,
    kind: 'Endpoint',
    metadata: { name: id, namespace, creationTimestamp },
    spec: {
      service: name,
      address,
      port,
      weight,
      priority,
      zone,
      serverName,
    },
    status: {
      source: 'static',
      state: stateOverall(onNodes.map(({ state }) => state)),
      healthyOn: isAsked ? onNodes.filter(({ state }) => state === 'healthy').length : null,
      of: nodes.length,
      activeRequests: null,
      requestsPerSecond: null,
      errorPercent: null,
      p99Ms: null,
      lastChange: new Date(changedMs).toISOString(),
      nodes: onNodes,
    },
  };
}

const states: Readonly<Record<HealthState, EndpointState>> = {
  [HealthState.UNSPECIFIED]: 'unknown',
  [HealthState.UNKNOWN]: 'unknown',
  [HealthState.HEALTHY]: 'healthy',
  [HealthState.UNHEALTHY]: 'unhealthy',
  [HealthState.EJECTED]: 'ejected',
  [HealthState.DEGRADED]: 'degraded',
};

function stateOf(finding: EndpointHealth | undefined): Omit<EndpointOnNode, 'node'> {
  if (finding === undefined) return { state: 'unknown', detail: '' };
  return { state: states[finding.state] ?? 'unknown', detail: finding.detail };
}

/** Those that get no requests. */
export const unfitStates: ReadonlySet<EndpointState> = new Set(['unhealthy', 'ejected']);

/** Unfit when it is for all; degraded when it is for some. */
function stateOverall(found: readonly EndpointState[]): EndpointState {
  const bad = found.filter((state) => unfitStates.has(state));
  if (bad.length === 0 && !found.includes('degraded'))
    return found.includes('healthy') ? 'healthy' : 'unknown';
  if (bad.length < found.length) return 'degraded';
  return bad.includes('unhealthy') ? 'unhealthy' : 'ejected';
}
