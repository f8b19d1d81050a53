import type { NodeResource } from '@causeway/model/api-types';
import { age, shortDuration } from '../age.ts';
import type { Column, KindView } from './column.ts';
import { ageColumn } from './standard-columns.ts';

const name: Column<NodeResource> = { title: 'NAME', cell: ({ metadata }) => shortNodeName(metadata.name) };
const status: Column<NodeResource> = { title: 'STATUS', cell: (node) => nodeStatus(node) };

/** `SYNCED`, `SYNCED,DRAINING`. */
export function nodeStatus({ status: { state, draining } }: NodeResource): string {
  return draining ? `${state},DRAINING` : state;
}

export const nodeView: KindView<NodeResource> = {
  table: {
    columns: [
      name,
      { title: 'GATEWAY', cell: ({ spec }) => spec.gateway },
      status,
      { title: 'REVISION', cell: (node) => String(node.status.appliedRevision) },
      ageColumn,
    ],
  },
  wide: {
    columns: [
      name,
      { title: 'VERSION', cell: (node) => node.status.version },
      { title: 'DESIRED', cell: (node) => String(node.status.desiredRevision) },
      { title: 'APPLIED', cell: (node) => String(node.status.appliedRevision) },
      status,
      {
        title: 'LAG',
        cell: ({ status: { behindMs } }) => (behindMs > 0 ? shortDuration(behindMs) : '-'),
      },
      { title: 'CONNECTIONS', cell: (node) => String(node.status.connections) },
      { title: 'LAST-SEEN', cell: (node, { nowMs }) => age(node.status.lastSeen, nowMs) },
    ],
  },
};

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A node that was given no name has a UUID; tables show its first 8 characters. */
export function shortNodeName(id: string): string {
  return uuid.test(id) ? id.slice(0, 8) : id;
}
