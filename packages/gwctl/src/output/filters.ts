/** Filters of Routes, Gateways and Middlewares, as tables and descriptions show them. */

import { type ExpandedFilter, expandFilters } from '@causeway/model/filters/expand-filters';
import type { FilterItem } from '@causeway/model/filters/filter-item';
import type { FilterKind } from '@causeway/model/filters/filter-kind';
import { entriesOf } from '@causeway/model/kinds/kind';
import { defaultNamespace, identityOf, type Resource, resourceKey } from '@causeway/model/resource';
import { overlay } from '@causeway/runtime/overlay';
import { shownKey } from '../object-key.ts';

/**
 * Names of the filters that an object writes, with those that its Middlewares bring in their place; `!name` removes an inherited
 * one.
 */
export function filterNames(resource: Resource, middlewares: readonly Resource[]): string[] {
  const written = writtenFilters(resource, middlewares);
  const left = overlay(written);
  const names = new Set(left.map(({ name }) => name));
  const removed = written.filter(({ name, isRemoval }) => isRemoval && !names.has(name));
  return [...left.map(shownName), ...removed.map(({ name }) => `!${name}`)];
}

/** A filter that is tried out says so: `auth(shadow)`. */
function shownName({ name, enforcement = 'enforce' }: Partial<ExpandedFilter>): string {
  return enforcement === 'enforce' ? name! : `${name}(${enforcement})`;
}

/** A row for each filter that a request meets, in the order of execution: its number, name, filter and where it is from. */
export function executionRows(
  gateway: Resource | undefined,
  route: Resource,
  middlewares: readonly Resource[],
  namespace: string,
): string[][] {
  const inherited = gateway === undefined ? [] : writtenFilters(gateway, middlewares);
  return overlay(inherited, writtenFilters(route, middlewares))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ name, kind, spec, from }, index) => [
      String(index + 1),
      name,
      kind === undefined ? name : summaryOf(kind, spec),
      shownKey(from, namespace),
    ]);
}

export const executionTitles = ['#', 'NAME', 'FILTER', 'FROM'] as const;

/** Routes and Gateways that name the Middleware: `route/orders`, in whose namespace it is. */
export function usersOfMiddleware(
  middleware: Resource,
  routes: readonly Resource[],
  gateways: readonly Resource[],
): string[] {
  const { name, namespace: own = defaultNamespace } = middleware.metadata;
  const near = [...routes, ...gateways].filter(
    ({ metadata }) => (metadata.namespace ?? defaultNamespace) === own,
  );
  return near
    .filter(({ spec }) => itemsOf(spec).some((item) => item.middleware === name))
    .map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
}

function writtenFilters(resource: Resource, middlewares: readonly Resource[]): ExpandedFilter[] {
  const namespace = resource.metadata.namespace ?? defaultNamespace;
  return expandFilters(itemsOf(resource.spec), resourceKey(identityOf(resource)), (name) => {
    const found = middlewares.find(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    );
    return found && { key: resourceKey(identityOf(found)), filters: itemsOf(found.spec) };
  });
}

/** As written: a newer control plane may have filters that this program does not know, and their names are worth showing. */
function itemsOf(spec: Resource['spec']): FilterItem[] {
  return entriesOf(spec, 'filters').filter(
    (item) => typeof item === 'object' && item !== null,
  ) as FilterItem[];
}

function summaryOf(kind: FilterKind, spec: unknown): string {
  const effective = kind.spec.safeParse(spec);
  return effective.success ? kind.summary(effective.data) : kind.key;
}
