import type { Command } from 'commander';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { counted } from '../output/counted.ts';
import { openSession, type Session } from '../session.ts';
import { parseTarget } from '../targets.ts';

interface PurgeOptions {
  url?: string;
  prefix?: string;
}

export function addPurge(program: Command, io: Io): void {
  const purge = program.command('purge').description('have nodes forget answers that they keep');
  purge
    .command('cache')
    .description('take the stored answers of a Route out of the caches of all nodes')
    .argument('<route>', 'name of the Route')
    .option(
      '--url <url>',
      'only those of this URL, or of this path on every host; without a query: whatever the query',
    )
    .option('--prefix <url>', 'only those of URLs, or paths, that begin with these segments')
    .action(async (route: string, options: PurgeOptions, command: Command) =>
      purgeCache(await openSession(io, command), route, options),
    );
}

async function purgeCache(session: Session, written: string, { url, prefix }: PurgeOptions): Promise<void> {
  const { io, client, namespace } = session;
  const identity = parseTarget(written, 'Route', namespace);
  const wanted = { ...(url !== undefined && { url }), ...(prefix !== undefined && { prefix }) };
  const { nodes } = await client.purgeCache(identity.namespace ?? namespace, identity.name, wanted);
  for (const { node, purged, error } of nodes)
    if (error === null) io.out(`${node}: ${counted(purged, 'answer')} purged`);
    else io.err(`${node}: ${error}`);
  const failed = nodes.filter(({ error }) => error !== null);
  if (failed.length > 0)
    throw new Failure(
      `the cache of route/${identity.name} is not purged on ${counted(failed.length, 'node')}`,
    );
  const all = nodes.reduce((sum, { purged }) => sum + purged, 0);
  io.out(`route/${identity.name}: ${counted(all, 'answer')} purged on ${counted(nodes.length, 'node')}`);
}
