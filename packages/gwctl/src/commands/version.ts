import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { renderDocument } from '../output/documents.ts';
import { type Format, outputOption } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { openSession, type Session } from '../session.ts';
import { version } from '../version.ts';

interface VersionFlags {
  output: Format;
  client?: boolean;
}

export function addVersion(program: Command, io: Io): void {
  program
    .command('version')
    .description('versions of this program, the control plane and its nodes')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .option('--client', 'of this program only')
    .action(async (flags: VersionFlags, command: Command) => {
      if (flags.client === true) return print(io, { client: version }, flags.output);
      return runVersion(await openSession(io, command), flags);
    });
}

/** What `-o json` shows; without a control plane there is the client alone. */
interface Versions {
  client: string;
  server?: { version: string; url: string; context?: string };
  nodes?: { version: string; count: number }[];
}

/** The client's version is known whatever the control plane does, so it is printed before an error. */
async function runVersion({ io, client, server, context }: Session, flags: VersionFlags): Promise<void> {
  const [plane, nodes] = await Promise.all([client.version(), client.nodes()]).catch((error: unknown) => {
    print(io, { client: version }, flags.output);
    throw error;
  });
  const place = context === undefined ? {} : { context };
  const groups = Map.groupBy(nodes, ({ status }) => status.version);
  const versions: Versions = {
    client: version,
    server: { version: plane.version, url: server, ...place },
    nodes: [...groups].map(([name, group]) => ({ version: name, count: group.length })),
  };
  print(io, versions, flags.output);
}

function print(io: Io, versions: Versions, output: Format): void {
  if (output === 'json' || output === 'yaml') {
    io.out(renderDocument(versions, output));
    return;
  }
  io.out(renderTable(['', '', ''], rowsOf(versions), { headers: false }));
}

function rowsOf({ client, server, nodes }: Versions): string[][] {
  const rows = [['client', client]];
  if (server) rows.push(['server', server.version, placeOf(server)]);
  if (!nodes) return rows;
  const all = nodes.reduce((sum, { count }) => sum + count, 0);
  for (const group of nodes) rows.push(['nodes', group.version, `${group.count} of ${all}`]);
  return nodes.length === 0 ? [...rows, ['nodes', '-', 'none']] : rows;
}

function placeOf({ url, context }: NonNullable<Versions['server']>): string {
  return context === undefined ? url : `${url} (context ${context})`;
}
