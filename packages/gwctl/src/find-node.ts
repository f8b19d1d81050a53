import type { AdminClient } from '@causeway/admin-client/client';
import { shortNodeName } from './output/columns/node.ts';

/** The full name for the 8 characters that tables show of a UUID; any other name as it is, whether it exists or not. */
export async function findNodeName(client: AdminClient, name: string): Promise<string> {
  if (!/^[0-9a-f]{8}$/.test(name)) return name;
  const names = (await client.nodes()).map(({ metadata }) => metadata.name);
  const short = names.filter((candidate) => shortNodeName(candidate) === name);
  return !names.includes(name) && short.length === 1 ? short[0]! : name;
}
