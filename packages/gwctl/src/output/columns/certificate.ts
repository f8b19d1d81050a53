import type { Resource } from '@causeway/model/resource';
import { shownKey } from '../../object-key.ts';
import { timeLeft } from '../age.ts';
import type { Column, KindView } from './column.ts';
import { ageColumn, nameColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'NAMES', cell: ({ status }) => status?.names ?? [] },
  { title: 'EXPIRES', cell: ({ status }, { nowMs }) => timeLeft(status?.notAfter ?? '', nowMs) },
  {
    title: 'USED-BY',
    cell: ({ metadata, status }) =>
      (status?.usedBy ?? []).map((key) => shownKey(key, metadata.namespace ?? '')),
  },
  ageColumn,
];

export const certificateView: KindView<Resource> = {
  table: { columns: table },
  wide: {
    columns: [
      ...table,
      { title: 'ISSUER', cell: ({ status }) => status?.issuer ?? '-' },
      { title: 'SHA256', cell: ({ status }) => status?.sha256 ?? '-' },
    ],
  },
};
