import type { Resource } from '@causeway/model/resource';
import { filterNames, usersOfMiddleware } from '../filters.ts';
import type { Column, KindView } from './column.ts';
import { ageColumn, nameColumn, revisionColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'FILTERS', cell: (middleware) => filterNames(middleware, []) },
  {
    title: 'USED-BY',
    cell: (middleware, { routes, gateways }) => usersOfMiddleware(middleware, routes, gateways),
  },
  ageColumn,
];

export const middlewareView: KindView<Resource> = {
  table: { needs: ['routes', 'gateways'], columns: table },
  wide: { needs: ['routes', 'gateways'], columns: [...table, revisionColumn] },
};
