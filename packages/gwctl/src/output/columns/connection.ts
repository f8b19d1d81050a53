import type { ConnectionResource } from '@causeway/model/api-types';
import { age } from '../age.ts';
import { shortBytes } from '../short-bytes.ts';
import type { Column, KindView } from './column.ts';
import { shortNodeName } from './node.ts';

const table: Column<ConnectionResource>[] = [
  { title: 'NODE', cell: ({ spec }) => shortNodeName(spec.node) },
  { title: 'KIND', cell: ({ spec }) => spec.kind },
  { title: 'ROUTE', cell: ({ spec }) => spec.route },
  { title: 'SERVICE', cell: ({ spec }) => spec.service },
  { title: 'CLIENT', cell: ({ spec }) => spec.client },
  { title: 'REVISION', cell: ({ status }) => String(status.revision) },
  { title: 'AGE', cell: ({ status }, { nowMs }) => age(status.startedAt, nowMs) },
  { title: 'IN', cell: ({ status }) => shortBytes(status.bytesIn) },
  { title: 'OUT', cell: ({ status }) => shortBytes(status.bytesOut) },
];

export const connectionView: KindView<ConnectionResource> = {
  table: { columns: table },
  wide: {
    columns: [
      ...table,
      { title: 'ENDPOINT', cell: ({ spec }) => spec.endpoint },
      { title: 'HOST', cell: ({ spec }) => spec.host },
      { title: 'PROTOCOL', cell: ({ spec }) => spec.protocol },
      { title: 'REQUEST-ID', cell: ({ spec }) => spec.requestId },
    ],
  },
};
