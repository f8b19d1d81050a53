import { fieldOf } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import type { Column, KindView } from './column.ts';
import { ageColumn, nameColumn, nodesColumn, revisionColumn, statusColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'ISSUER', cell: ({ spec }) => textOf(fieldOf(spec, 'issuer')) },
  { title: 'AUDIENCES', cell: ({ spec }) => [fieldOf(spec, 'audiences') ?? []].flat().map(textOf) },
  { title: 'KEYS', cell: ({ spec }) => keysWord(fieldOf(spec, 'jwks')) },
  statusColumn,
  nodesColumn,
  ageColumn,
];

export const authProviderView: KindView<Resource> = {
  table: { columns: table },
  wide: {
    columns: [
      ...table,
      { title: 'CLIENT', cell: ({ spec }) => textOf(fieldOf(spec, 'clientId')) },
      revisionColumn,
    ],
  },
};

/** Where its keys are from. */
function keysWord(jwks: unknown): string {
  const uri = fieldOf(jwks, 'uri');
  if (typeof uri === 'string') return uri;
  return fieldOf(jwks, 'keys') === undefined ? 'discovery' : 'inline';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '-';
}
