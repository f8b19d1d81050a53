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
      if (flags.client === true) return print(io, [['client', version, '']], flags.output);
      return runVersion(await openSession(io, command), flags);
    });
}

async function runVersion({ io, client, server, context }: Session, flags: VersionFlags): Promise<void> {
  const [plane, nodes] = await Promise.all([client.version(), client.nodes()]);
  const place = context === undefined ? server : `${server} (context ${context})`;
  const versions = Map.groupBy(nodes, ({ status }) => status.version);
  const nodeRows = [...versions].map(([name, group]) => [
    'nodes',
    name,
    `${group.length} of ${nodes.length}`,
  ]);
  print(
    io,
    [
      ['client', version, ''],
      ['server', plane.version, place],
      ...(nodeRows.length === 0 ? [['nodes', '-', 'none']] : nodeRows),
    ],
    flags.output,
  );
}

function print(io: Io, rows: readonly (readonly string[])[], output: Format): void {
  if (output === 'json' || output === 'yaml') {
    const parts = rows.map(([part, partVersion, place]) => ({ part, version: partVersion, place }));
    io.out(renderDocument(parts, output));
    return;
  }
  // A row for this program alone has nothing to say about a place.
  const titles = ['', '', ''];
  const lines = rows.map((row) => row.filter((cell) => cell !== ''));
  io.out(renderTable(titles, lines, { headers: false }));
}
