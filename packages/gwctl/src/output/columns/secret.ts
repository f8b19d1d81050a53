import type { Resource } from '@causeway/model/resource';
import type { Column, KindView } from './column.ts';
import { ageColumn, generationColumn, nameColumn, revisionColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'KEYS', cell: ({ spec }) => Object.keys(spec['data'] ?? {}) },
  ageColumn,
];

export const secretView: KindView<Resource> = {
  table: { columns: table },
  wide: { columns: [...table, generationColumn, revisionColumn] },
};
