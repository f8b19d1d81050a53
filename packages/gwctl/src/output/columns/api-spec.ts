import { fieldOf } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import type { Column, KindView } from './column.ts';
import { ageColumn, nameColumn, nodesColumn, revisionColumn, statusColumn } from './standard-columns.ts';

const table: Column<Resource>[] = [
  nameColumn,
  { title: 'TITLE', cell: ({ spec }) => textOf(fieldOf(fieldOf(documentOf(spec), 'info'), 'title')) },
  { title: 'VERSION', cell: ({ spec }) => textOf(fieldOf(fieldOf(documentOf(spec), 'info'), 'version')) },
  { title: 'PATHS', cell: ({ spec }) => pathsWord(documentOf(spec)) },
  statusColumn,
  nodesColumn,
  ageColumn,
];

export const apiSpecView: KindView<Resource> = {
  table: { columns: table },
  wide: { columns: [...table, revisionColumn] },
};

/** A document that is a text is not read for a table. */
function documentOf(spec: unknown): unknown {
  return fieldOf(spec, 'document');
}

function pathsWord(document: unknown): string {
  return typeof document === 'string' ? '-' : String(Object.keys(fieldOf(document, 'paths') ?? {}).length);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '-';
}
