import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Entry } from '../store/resource-index.ts';

/** Whether anything in it is counted in Redis: a filter of the Gateway, Route or Middleware, a limit or quota of the Consumer. */
export function countsInRedis({ effective }: Entry): boolean {
  return (
    entriesOf(effective, 'filters').some((item) => isShared(fieldOf(item, 'rateLimit'))) ||
    entriesOf(effective, 'limits').some(isShared) ||
    entriesOf(effective, 'quotas').length > 0
  );
}

function isShared(limit: unknown): boolean {
  return fieldOf(limit, 'scope') === 'cluster';
}
