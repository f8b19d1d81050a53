import type { Resource } from '@causeway/model/resource';
import type { Column, KindView } from './column.ts';
import { ageColumn, nameColumn, revisionColumn } from './standard-columns.ts';
import { fieldOf } from '@causeway/model/kinds/kind';

const table: Column<Resource>[] = [
  nameColumn,
  {
    title: 'CONFIG',
    cell: ({ spec }) => Object.keys(fieldOf(fieldOf(spec, 'configSchema'), 'properties') ?? {}),
  },
  ageColumn,
];

export const pluginView: KindView<Resource> = {
  table: { columns: table },
  wide: { columns: [...table, revisionColumn] },
};
