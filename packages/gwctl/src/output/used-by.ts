import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';

/** A Route that sends `weight` of `of` parts of its requests to the Service asked about. */
export interface UsingRoute {
  route: Resource;
  weight: number;
  of: number;
}

/** Routes of the Service's namespace that name it as a backend. */
export function routesTo(service: Resource, routes: readonly Resource[]): UsingRoute[] {
  return routes.flatMap((route) => {
    if (route.metadata.namespace !== service.metadata.namespace) return [];
    const backends = entriesOf(route.spec, 'backends');
    const weightOf = (backend: unknown): number => Number(fieldOf(backend, 'weight') ?? 1);
    const mine = backends.filter((backend) => fieldOf(backend, 'service') === service.metadata.name);
    if (mine.length === 0) return [];
    const sum = (entries: readonly unknown[]): number =>
      entries.reduce((total: number, backend) => total + weightOf(backend), 0);
    return [{ route, weight: sum(mine), of: sum(backends) }];
  });
}

/** Routes and Middlewares of the Service's namespace whose filters send it copies. */
export function mirrorsTo(service: Resource, users: readonly Resource[]): Resource[] {
  const mirrored = (filter: unknown): unknown => fieldOf(fieldOf(filter, 'mirror'), 'service');
  return users.filter(
    ({ metadata, spec }) =>
      metadata.namespace === service.metadata.namespace &&
      entriesOf(spec, 'filters').some((filter) => mirrored(filter) === service.metadata.name),
  );
}

/** Routes of any namespace that join the Gateway, or one of its listeners. */
export function routesOn(gateway: string, routes: readonly Resource[]): Resource[] {
  return routes.filter((route) => {
    const references = entriesOf(route.spec, 'gateways').map(String);
    return references.length === 0
      ? gateway === 'default'
      : references.some((reference) => reference.split('/')[0] === gateway);
  });
}
