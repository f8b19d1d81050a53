import type { RevisionResource } from '@causeway/model/api-types';
import { shownKey } from '../../object-key.ts';
import { defaultNamespace } from '@causeway/model/resource';
import type { Column, KindView } from './column.ts';
import { ageColumn } from './standard-columns.ts';

const signs = { create: '+', update: '~', delete: '-' } as const;

const table: Column<RevisionResource>[] = [
  { title: 'REVISION', cell: ({ revision }) => String(revision) },
  ageColumn,
  { title: 'WHO', cell: ({ author }) => author },
  {
    title: 'CHANGES',
    cell: ({ changes }) => changes.map(changeText),
  },
  {
    title: 'NODES',
    cell: ({ revision }, { nodes }) => {
      const connected = nodes.filter(({ status }) => status.state !== 'OFFLINE');
      const holding = connected.filter(({ status }) => status.appliedRevision >= revision);
      return `${holding.length}/${connected.length}`;
    },
  },
  { title: 'MESSAGE', cell: ({ message }) => message },
];

export const revisionView: KindView<RevisionResource> = {
  table: { needs: ['nodes'], columns: table },
  wide: {
    needs: ['nodes'],
    columns: [
      ...table,
      { title: 'SOURCE', cell: ({ source }) => source },
      { title: 'DIGEST', cell: () => '-' },
    ],
  },
};

/** `+service/orders`, `~route/shop/orders`, `-gateway/edge` */
export function changeText({ op, resource }: RevisionResource['changes'][number]): string {
  return signs[op] + shownKey(resource, defaultNamespace);
}
