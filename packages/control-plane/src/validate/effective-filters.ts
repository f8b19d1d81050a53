import {
  type ExpandedFilter,
  expandFilters,
  type MiddlewareLookup,
} from '@causeway/model/filters/expand-filters';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { MiddlewareSpec } from '@causeway/model/kinds/middleware';
import type { RouteSpec } from '@causeway/model/kinds/route';
import { defaultNamespace, resourceKey } from '@causeway/model/resource';
import type { Entry, ResourceView } from '../store/resource-index.ts';

/** What nodes make of lists of filters, from the resources as they are written. */

/** The filters that a Route or Gateway writes, with those that its Middlewares bring, not yet merged. */
export function writtenFilters(entry: Entry, resources: ResourceView): ExpandedFilter[] {
  const { namespace = defaultNamespace } = entry.resource.metadata;
  const { filters } = entry.effective as RouteSpec | GatewaySpec | MiddlewareSpec;
  return expandFilters(filters, entry.key, middlewaresOf(namespace, resources));
}

/** Filters in the order in which a request meets them. */
export function inOrder(filters: readonly ExpandedFilter[]): ExpandedFilter[] {
  return filters.toSorted((a, b) => a.rank - b.rank);
}

function middlewaresOf(namespace: string, resources: ResourceView): MiddlewareLookup {
  return (name) => {
    const entry = resources.get(resourceKey({ kind: 'Middleware', namespace, name }));
    return entry && { key: entry.key, filters: (entry.effective as MiddlewareSpec).filters };
  };
}
