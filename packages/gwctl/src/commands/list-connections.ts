import type { ConnectionResource } from '@causeway/model/api-types';
import { listLimitMax } from '@causeway/model/rest';
import { usage } from '../failure.ts';
import { shortNodeName } from '../output/columns/node.ts';
import type { Session } from '../session.ts';

export interface ConnectionFlags {
  allNamespaces?: boolean;
  selector?: string;
  fieldSelector?: string;
}

/** The oldest live connections. What the list lacks is told on stderr. */
export async function listConnections(
  { client, io, namespace }: Session,
  flags: ConnectionFlags,
): Promise<ConnectionResource[]> {
  if (flags.selector !== undefined)
    throw usage('connections have no labels', 'select by fields: --field-selector route=NAME,node=NAME');
  const { items, metadata } = await client.connections({
    namespace: flags.allNamespaces === true ? undefined : namespace,
    fieldSelector: flags.fieldSelector,
    limit: listLimitMax,
  });
  const { unanswered, remainingItemCount } = metadata;
  if (unanswered.length > 0)
    io.err(`warning: no answer from ${unanswered.map(shortNodeName).join(', ')}; what they have is missing`);
  if (remainingItemCount > 0)
    io.err(
      `warning: ${items.length} of ${items.length + remainingItemCount} are listed, the oldest; --field-selector finds others`,
    );
  return items;
}
