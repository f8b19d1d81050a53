import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Resource, Spec } from '@causeway/model/resource';
import { scalarText } from '../scalar-text.ts';
import { mirrorsTo, routesTo } from '../used-by.ts';
import type { Column, KindView } from './column.ts';
import { ageColumn, generationColumn, nameColumn, revisionColumn, statusColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'PROTOCOL', cell: ({ spec }) => scalarText(spec['protocol'], 'http') },
  {
    title: 'POLICY',
    cell: ({ spec }) => scalarText(fieldOf(spec['loadBalancing'], 'policy'), 'roundRobin'),
  },
  { title: 'ENDPOINTS', cell: ({ spec }) => endpoints(spec) },
  statusColumn,
  ageColumn,
];

export const serviceView: KindView<Resource> = {
  table: { columns: table },
  wide: {
    needs: ['routes', 'middlewares'],
    columns: [
      ...table,
      { title: 'DISCOVERY', cell: () => '-' },
      { title: 'BREAKER', cell: ({ spec }) => breaker(spec) },
      {
        title: 'USED-BY',
        cell: (service, { routes, middlewares }) => [
          ...new Set([
            ...routesTo(service, routes).map(({ route }) => `route/${route.metadata.name}`),
            ...mirrorsTo(service, [...routes, ...middlewares]).map(
              ({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`,
            ),
          ]),
        ],
      },
      generationColumn,
      revisionColumn,
    ],
  },
};

/** What it limits: `requests,retries,failures`. */
function breaker(spec: Spec): string[] {
  const written = spec['circuitBreaker'];
  return [
    ...(Number(fieldOf(written, 'maxRequests') ?? 0) > 0 ? ['requests'] : []),
    ...(Number(fieldOf(written, 'maxRetries') ?? 0) > 0 ? ['retries'] : []),
    ...(fieldOf(written, 'failureRate') === undefined ? [] : ['failures']),
  ];
}

function endpoints(spec: Spec): string[] {
  return entriesOf(spec, 'endpoints').map((endpoint) =>
    hostPort(String(fieldOf(endpoint, 'address')), Number(fieldOf(endpoint, 'port'))),
  );
}

/** `10.0.1.11:9001`, `[::1]:9001`. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
