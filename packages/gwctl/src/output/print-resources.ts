import type { Kind } from '@causeway/model/kinds/kind';
import type { Session } from '../session.ts';
import { shownIdentity } from '../object-key.ts';
import type { Column, Facts, View } from './columns/column.ts';
import { type Listed, viewOf } from './columns/view-of.ts';
import { listDocument, renderDocument } from './documents.ts';
import type { Format } from './format.ts';
import { renderTable } from './table.ts';

/** Objects of one kind, in the order in which they are shown. */
export interface Listing {
  kind: Kind;
  items: readonly Listed[];
}

export interface PrintOptions {
  format: Format;
  /** A document is the object itself, not a List. */
  single: boolean;
  allNamespaces: boolean;
  showLabels: boolean;
  headers: boolean;
}

/** Writes listings to stdout: a table for each kind, or one document, or names. */
export async function printResources(
  session: Session,
  listings: readonly Listing[],
  options: PrintOptions,
): Promise<void> {
  const { format } = options;
  const items = listings.flatMap((listing) => listing.items);
  if (format === 'json' || format === 'yaml') {
    session.io.out(
      renderDocument(options.single && items.length === 1 ? items[0] : listDocument(items), format),
    );
    return;
  }
  const shown = listings.filter((listing) => listing.items.length > 0);
  if (format === 'name') {
    for (const { kind, items: listed } of shown)
      for (const item of listed) session.io.out(nameOf(kind, item, session.namespace));
    return;
  }
  const tables = [];
  for (const listing of shown) tables.push(await tableOf(session, listing, options));
  if (tables.length > 0) session.io.out(tables.join('\n\n'));
}

function nameOf(kind: Kind, { metadata }: Listed, namespace: string): string {
  const own = 'namespace' in metadata ? metadata.namespace : undefined;
  return shownIdentity({ kind: kind.kind, namespace: own, name: metadata.name }, namespace);
}

async function tableOf(session: Session, { kind, items }: Listing, options: PrintOptions): Promise<string> {
  const wide = options.format === 'wide';
  const view = viewOf(kind.kind)[wide ? 'wide' : 'table'];
  const facts = await factsFor(session, view, wide);
  const columns = [
    ...(options.allNamespaces && kind.namespaced ? [namespaceColumn] : []),
    ...view.columns,
    ...(options.showLabels ? [labelsColumn] : []),
  ];
  const rows = items.map((item) => columns.map((column) => column.cell(item, facts)));
  return renderTable(
    columns.map(({ title }) => title),
    rows,
    { wide, headers: options.headers, colours: session.io.colours },
  );
}

const namespaceColumn: Column<Listed> = {
  title: 'NAMESPACE',
  cell: ({ metadata }) => ('namespace' in metadata ? (metadata.namespace ?? '') : ''),
};

const labelsColumn: Column<Listed> = {
  title: 'LABELS',
  cell: ({ metadata }) =>
    Object.entries(('labels' in metadata ? metadata.labels : undefined) ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
};

async function factsFor({ client, io }: Session, view: View<Listed>, wide: boolean): Promise<Facts> {
  const needs = view.needs ?? [];
  const listed = (kind: 'routes' | 'middlewares' | 'gateways') =>
    needs.includes(kind) ? client.listAll(kind) : [];
  const [routes, middlewares, gateways, nodes] = await Promise.all([
    listed('routes'),
    listed('middlewares'),
    listed('gateways'),
    needs.includes('nodes') ? client.nodes() : [],
  ]);
  return { nowMs: io.nowMs(), wide, routes, middlewares, gateways, nodes };
}
