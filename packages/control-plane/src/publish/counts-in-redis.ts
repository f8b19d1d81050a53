import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Entry } from '../store/resource-index.ts';

/** Whether filters that are written in the Gateway, Route or Middleware count in Redis. */
export function countsInRedis({ effective }: Entry): boolean {
  return entriesOf(effective, 'filters').some(
    (item) => fieldOf(fieldOf(item, 'rateLimit'), 'scope') === 'cluster',
  );
}
