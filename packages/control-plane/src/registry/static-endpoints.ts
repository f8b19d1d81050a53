import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import { qualifiedName } from '@causeway/model/resource';
import { type EndpointSet, EndpointSetSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { Entry } from '../store/resource-index.ts';

/**
 * Endpoints that stand in the Service itself. The set's version is the Service's resourceVersion, so that the same
 * configuration gives the same set after a restart.
 */
export function staticEndpoints(service: Entry): EndpointSet {
  let set = made.get(service);
  if (set === undefined) made.set(service, (set = makeSet(service)));
  return set;
}

/** Ids are hashes, and sets are asked for at every read of a status. */
const made = new WeakMap<Entry, EndpointSet>();

function makeSet(service: Entry): EndpointSet {
  const { namespace, name, resourceVersion } = service.resource.metadata;
  const qualified = qualifiedName(namespace, name);
  return create(EndpointSetSchema, {
    service: qualified,
    version: Number(resourceVersion),
    entries: (service.effective as ServiceSpec).endpoints.map(
      ({ address, port, weight, priority, zone = '', serverName = '' }) => ({
        id: endpointId(qualified, 'static', '', address, port),
        address,
        port,
        weight,
        serverName,
        priority,
        zone,
      }),
    ),
  });
}

/**
 * Identity of an endpoint for cookies, health and counters: a stable hash of the Service, the source, the source's own
 * id, the address and the port. `e-` and ten hex digits.
 */
export function endpointId(
  service: string,
  source: string,
  sourceId: string,
  address: string,
  port: number,
): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([service, source, sourceId, address, port]))
    .digest('hex');
  return `e-${hash.slice(0, 10)}`;
}
