import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import type { Column, KindView } from './column.ts';
import { ageColumn, generationColumn, nameColumn, revisionColumn, statusColumn } from './standard-columns.ts';

const textsOf = (entries: readonly unknown[]): string[] => entries.map(String);

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'GROUPS', cell: ({ spec }) => textsOf(entriesOf(spec, 'groups')) },
  {
    title: 'KEYS',
    cell: ({ spec, status }) => [
      ...textsOf(entriesOf(spec, 'keys').map((key) => fieldOf(key, 'name'))),
      ...(status?.keys ?? [])
        .filter(({ source, replaced }) => source === 'server' && replaced === undefined)
        .map(({ name }) => name),
    ],
  },
  {
    title: 'STATUS',
    cell: (consumer, facts) =>
      fieldOf(consumer.spec, 'disabled') === true ? 'Disabled' : statusColumn.cell(consumer, facts),
  },
  ageColumn,
];

export const consumerView: KindView<Resource> = {
  table: { columns: table },
  wide: { columns: [...table, generationColumn, revisionColumn] },
};
