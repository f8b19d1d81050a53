import { fieldOf } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import type { Column, KindView } from './column.ts';
import { ageColumn, nameColumn, nodesColumn, revisionColumn, statusColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'FROM', cell: ({ spec }) => sourceWord(spec) },
  { title: 'FILES', cell: ({ status }) => String(status?.files ?? '-') },
  { title: 'SERVICES', cell: ({ status }) => String(status?.services?.length ?? '-') },
  { title: 'DIGEST', cell: ({ status }) => status?.digest?.slice(0, shownDigestLength) ?? '-' },
  statusColumn,
  nodesColumn,
  ageColumn,
];

/** `sha256:` and twelve digits. */
const shownDigestLength = 19;

export const descriptorSetView: KindView<Resource> = {
  table: { columns: table },
  wide: { columns: [...table, revisionColumn] },
};

/** `data`, or the Service that they are read from. */
export function sourceWord(spec: unknown): string {
  const service = fieldOf(fieldOf(spec, 'reflection'), 'service');
  return typeof service === 'string' ? `service/${service}` : 'data';
}
