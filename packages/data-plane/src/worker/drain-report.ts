/** How the drain of a node goes, from what its workers say. */

import type { DrainProgress } from '../sync/node-status.ts';

/** What a worker says of its own drain when it is over. */
export interface WorkerDrain {
  /** Streams that were told to end: WebSockets with 1001. */
  readonly closed: number;
  /** Connections that were left when the time was over. */
  readonly cut: number;
}

/** `drained`: of each worker; undefined while they drain. */
export function drainProgress(
  begun: Pick<DrainProgress, 'delayMs' | 'connections' | 'webSockets'>,
  drained: readonly WorkerDrain[] | undefined,
): DrainProgress {
  const sum = (count: (one: WorkerDrain) => number): number =>
    (drained ?? []).reduce((all, one) => all + count(one), 0);
  const closed = sum((one) => one.closed);
  const cut = sum((one) => one.cut);
  // Some came while it went on accepting, and several streams may have been on one connection.
  const ended = drained === undefined ? 0 : Math.max(begun.connections - closed - cut, 0);
  return { ...begun, ended, closed, cut, done: drained !== undefined };
}
