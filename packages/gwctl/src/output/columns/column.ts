import type { NodeResource } from '@causeway/model/api-types';
import type { Resource } from '@causeway/model/resource';
import type { Cell } from '../table.ts';

/** What a cell may need beside its own resource. Lists that the view does not ask for are empty. */
export interface Facts {
  nowMs: number;
  wide: boolean;
  routes: readonly Resource[];
  middlewares: readonly Resource[];
  gateways: readonly Resource[];
  nodes: readonly NodeResource[];
}

export interface Column<R> {
  title: string;
  cell: (resource: R, facts: Facts) => Cell;
}

export interface View<R> {
  columns: readonly Column<R>[];
  /** Lists that cells look things up in. */
  needs?: readonly ('routes' | 'middlewares' | 'gateways' | 'nodes')[];
}

/** How a kind is shown: the table, and the wide one. */
export interface KindView<R> {
  table: View<R>;
  wide: View<R>;
}
