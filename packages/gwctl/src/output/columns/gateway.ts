import { effectiveSpec } from '@causeway/model/validate-document';
import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import { gatewayKind } from '@causeway/model/kinds/gateway';
import type { Resource } from '@causeway/model/resource';
import { filterNames } from '../filters.ts';
import { routesOn } from '../used-by.ts';
import type { Column, KindView } from './column.ts';
import { ageColumn, nameColumn, nodesColumn, revisionColumn, statusColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'LISTENERS', cell: listeners },
  {
    title: 'ROUTES',
    cell: ({ metadata }, { routes }) => String(routesOn(metadata.name, routes).length),
  },
  nodesColumn,
  statusColumn,
  ageColumn,
];

export const gatewayView: KindView<Resource> = {
  table: { needs: ['routes'], columns: table },
  wide: {
    needs: ['routes', 'middlewares'],
    columns: [
      ...table,
      {
        title: 'TRUSTED-PROXIES',
        cell: ({ spec }) => entriesOf(spec['clientAddress'], 'trustedProxies').map(String),
      },
      { title: 'FILTERS', cell: (gateway, { middlewares }) => filterNames(gateway, middlewares) },
      revisionColumn,
    ],
  },
};

/** `http:8080`; a Gateway that names no listener has the default one. */
function listeners({ spec }: Resource): string[] {
  const written = entriesOf(spec, 'listeners');
  const entries = written.length > 0 ? written : effectiveSpec(gatewayKind, {}).listeners;
  return entries.map((entry) => `${String(fieldOf(entry, 'name'))}:${String(fieldOf(entry, 'port'))}`);
}
