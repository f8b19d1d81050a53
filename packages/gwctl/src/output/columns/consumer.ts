import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import type { KeyStatus } from '@causeway/model/server-keys';
import { age } from '../age.ts';
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

const wide: Column<Resource>[] = [
  {
    title: 'LIMITS',
    cell: ({ spec }) =>
      [...entriesOf(spec, 'limits'), ...entriesOf(spec, 'quotas')].map(
        (entry) => `${String(fieldOf(entry, 'name'))} ${rateText(entry)}`,
      ),
  },
  { title: 'LAST-USED', cell: ({ status }, { nowMs }) => lastUsedText(status?.keys ?? [], nowMs) },
  generationColumn,
  revisionColumn,
];

export const consumerView: KindView<Resource> = {
  table: { columns: table },
  wide: { columns: [...table, ...wide] },
};

/** Of a limit or a quota: `100/1h`. */
export function rateText(entry: unknown): string {
  return `${String(fieldOf(entry, 'requests'))}/${String(fieldOf(entry, 'per'))}`;
}

/** When one of the keys was last used; of keys that users gave nobody is told. */
export function lastUsedText(keys: readonly KeyStatus[], nowMs: number): string {
  const last = keys.reduce((latest, { lastUsedAt = '' }) => (lastUsedAt > latest ? lastUsedAt : latest), '');
  if (last !== '') return age(last, nowMs);
  return keys.some(({ source }) => source === 'server') ? 'never' : '-';
}
