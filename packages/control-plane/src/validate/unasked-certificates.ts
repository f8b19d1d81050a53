import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { writtenFilters } from './effective-filters.ts';
import { shortKey } from './short-key.ts';

const warningsMax = 20;

/** Warnings of Routes and Gateways with filters that read client certificates, where no listener asks for one: then everybody is refused. */
export function unaskedCertificates(entries: readonly Entry[], view: ResourceView): string[] {
  return entries.flatMap((entry) => warningOf(entry, view)).slice(0, warningsMax);
}

function warningOf(entry: Entry, view: ResourceView): string[] {
  const { kind } = entry.resource;
  if (kind !== 'Route' && kind !== 'Gateway') return [];
  const filter = writtenFilters(entry, view).find(readsCertificate);
  if (filter === undefined || listenersOf(entry, view).some(asksForCertificates)) return [];
  return [
    `${shortKey(entry)} never sees a client certificate, which filter ${JSON.stringify(filter.name)} reads: no listener has tls.clientAuth`,
  ];
}

function readsCertificate({ kind, spec }: ExpandedFilter): boolean {
  if (kind?.key === 'clientCertificate') return true;
  const ways = kind?.key === 'anyOf' ? entriesOf({ spec }, 'spec') : [];
  return ways.some((way) => fieldOf(way, 'clientCertificate') !== undefined);
}

type Listener = GatewaySpec['listeners'][number];

function asksForCertificates({ tls }: Listener): boolean {
  return tls !== undefined && tls.clientAuth.mode !== 'none';
}

/** Of a Gateway all, of a Route those that it is on. */
function listenersOf(entry: Entry, view: ResourceView): Listener[] {
  if (entry.resource.kind === 'Gateway') return (entry.effective as GatewaySpec).listeners;
  return (entry.effective as RouteSpec).gateways.flatMap((reference) => {
    const [gateway = '', listener] = reference.split('/');
    const spec = view.get(`gateway/${gateway}`)?.effective as GatewaySpec | undefined;
    return (spec?.listeners ?? []).filter(({ name }) => listener === undefined || name === listener);
  });
}
