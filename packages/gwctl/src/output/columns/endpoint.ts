import type { EndpointResource } from '@causeway/model/api-types';
import { age } from '../age.ts';
import type { Column, KindView } from './column.ts';
import { shortNodeName } from './node.ts';
import { hostPort } from './service.ts';

type EndpointColumn = Column<EndpointResource>;

const address: EndpointColumn = { title: 'ADDRESS', cell: ({ spec }) => hostPort(spec.address, spec.port) };
const origin: EndpointColumn[] = [
  { title: 'SOURCE', cell: ({ status }) => status.source },
  { title: 'WEIGHT', cell: ({ spec }) => String(spec.weight) },
];
const state: EndpointColumn[] = [
  { title: 'STATE', cell: ({ status }) => status.state },
  { title: 'HEALTHY-ON', cell: ({ status }) => healthyOn(status) },
];
const lastChange: EndpointColumn = {
  title: 'LAST-CHANGE',
  cell: ({ status }, { nowMs }) => age(status.lastChange, nowMs),
};
const load: EndpointColumn[] = [
  { title: 'ACTIVE', cell: ({ status }) => numberText(status.activeRequests) },
  { title: 'REQ/S', cell: ({ status }) => numberText(status.requestsPerSecond?.toFixed(1)) },
  { title: 'ERR', cell: ({ status }) => numberText(status.errorPercent?.toFixed(1), '%') },
  { title: 'P99', cell: ({ status }) => numberText(status.p99Ms, 'ms') },
];
const reason: EndpointColumn = { title: 'REASON', cell: ({ status }) => reasonText(status) };

const table: EndpointColumn[] = [
  { title: 'SERVICE', cell: ({ spec }) => spec.service },
  address,
  ...origin,
  ...state,
  lastChange,
];

export const endpointView: KindView<EndpointResource> = {
  table: { columns: table },
  wide: { columns: [...table, ...load, reason] },
};

/** What `describe service` shows of its own endpoints. */
export const ownEndpointColumns: readonly EndpointColumn[] = [
  address,
  ...origin,
  ...state,
  ...load,
  lastChange,
  reason,
];

/** `2/3`; `-` when nobody asks. */
function healthyOn({ healthyOn: count, of }: EndpointResource['status']): string {
  return count === null ? '-' : `${count}/${of}`;
}

function numberText(value: number | string | null | undefined, unit = ''): string {
  return value === null || value === undefined ? '-' : `${value}${unit}`;
}

/** Why nodes send it nothing: `all nodes: connection refused`, `edge-2: timeout after 2s`. */
function reasonText({ nodes }: EndpointResource['status']): string {
  const told = nodes.filter(({ detail }) => detail !== '');
  const [first] = told;
  if (first === undefined) return '';
  const isCommon = nodes.length > 1 && nodes.every(({ detail }) => detail === first.detail);
  if (isCommon) return `all nodes: ${first.detail}`;
  return told.map(({ node, detail }) => `${shortNodeName(node)}: ${detail}`).join('; ');
}
