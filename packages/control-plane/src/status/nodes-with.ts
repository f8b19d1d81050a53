import type { RouteSpec } from '@causeway/model/kinds/route';
import { defaultNamespace } from '@causeway/model/resource';
import { authenticates } from '../publish/authenticates.ts';
import type { NodeRecord, NodeRegistry } from '../publish/node-registry.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';

/** Connected nodes that hold the resource. */
export function nodesWith(entry: Entry, resources: ResourceView, nodes: NodeRegistry): NodeRecord[] {
  return nodes.connectedTo(gatewaysOf(entry, resources));
}

/** Nodes that are cut off, and may still serve with what they have of the resource; those that have drained have ended. */
export function cutOffNodesWith(entry: Entry, resources: ResourceView, nodes: NodeRegistry): NodeRecord[] {
  const gateways = gatewaysOf(entry, resources);
  return nodes
    .all()
    .filter(({ connected, draining, facts }) => !connected && !draining && gateways.has(facts.gateway));
}

/** Gateways whose nodes hold the resource. */
function gatewaysOf(entry: Entry, resources: ResourceView): Set<string> {
  switch (entry.resource.kind) {
    case 'Gateway':
      return new Set([entry.resource.metadata.name]);
    case 'Route':
      return new Set((entry.effective as RouteSpec).gateways.map((reference) => reference.split('/')[0]!));
    case 'Service':
    case 'Middleware':
    case 'AuthProvider':
    case 'ApiSpec':
    case 'DescriptorSet':
    case 'Certificate': {
      const referrers = [...resources.referrersOf(entry.key)]
        .map((key) => resources.get(key))
        .filter((referrer) => referrer !== undefined)
        // Consumers say whose tokens are theirs, and bring the issuer to no node; a Service that descriptors are read from goes to none for it.
        .filter(({ resource }) => resource.kind !== 'Consumer' && resource.kind !== 'DescriptorSet');
      return new Set(referrers.flatMap((referrer) => [...gatewaysOf(referrer, resources)]));
    }
    case 'Consumer':
      return new Set([...lookersFor(entry, resources)].flatMap((user) => [...gatewaysOf(user, resources)]));
    default:
      return new Set();
  }
}

/** Objects of its namespace whose filters look for Consumers; Gateways look in `default`. */
function* lookersFor(consumer: Entry, resources: ResourceView): Generator<Entry> {
  const { namespace = defaultNamespace } = consumer.resource.metadata;
  for (const kind of ['Gateway', 'Middleware', 'Route']) {
    for (const entry of resources.entriesOf(kind))
      if ((entry.resource.metadata.namespace ?? defaultNamespace) === namespace && authenticates(entry))
        yield entry;
  }
}
