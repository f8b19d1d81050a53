import type { Resource } from '@causeway/model/resource';
import { age } from '../age.ts';
import { statusWord } from '../status-word.ts';
import type { Column } from './column.ts';

/** Columns that kinds share. */
export const nameColumn: Column<Resource> = { title: 'NAME', cell: ({ metadata }) => metadata.name };

export const statusColumn: Column<Resource> = { title: 'STATUS', cell: ({ status }) => statusWord(status) };

export const ageColumn: Column<{ metadata: { creationTimestamp: string } }> = {
  title: 'AGE',
  cell: ({ metadata }, { nowMs }) => age(metadata.creationTimestamp, nowMs),
};

/** Nodes that run it, of those connected that should. */
export const nodesColumn: Column<Resource> = {
  title: 'NODES',
  cell: ({ status }) => (status === undefined ? '-' : `${status.nodes.applied}/${status.nodes.total}`),
};

export const generationColumn: Column<Resource> = {
  title: 'GENERATION',
  cell: ({ metadata }) => String(metadata.generation),
};

/** The revision in which it was last changed. */
export const revisionColumn: Column<Resource> = {
  title: 'REVISION',
  cell: ({ metadata }) => metadata.resourceVersion,
};
