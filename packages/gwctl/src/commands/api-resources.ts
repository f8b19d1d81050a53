import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { renderDocument } from '../output/documents.ts';
import { type Format, outputOption } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { openSession, type Session } from '../session.ts';

interface ApiResourcesFlags {
  output: Format;
  headers: boolean;
}

export function addApiResources(program: Command, io: Io): void {
  program
    .command('api-resources')
    .description('list the kinds that the control plane has')
    .addOption(outputOption())
    .option('--no-headers', 'without the first line')
    .action(async (flags: ApiResourcesFlags, command: Command) =>
      runApiResources(await openSession(io, command), flags),
    );
}

async function runApiResources(
  { io, client }: Session,
  { output, headers }: ApiResourcesFlags,
): Promise<void> {
  const answer = await client.kinds();
  if (output === 'json' || output === 'yaml') return io.out(renderDocument(answer, output));
  if (output === 'name') return io.out(answer.resources.map(({ plural }) => plural).join('\n'));
  const wide = output === 'wide';
  const rows = answer.resources.map(({ kind, plural, shortNames, namespaced, verbs, description }) => [
    plural,
    shortNames,
    String(namespaced),
    kind,
    ...(wide ? [verbs, description] : []),
  ]);
  const titles = ['NAME', 'SHORTNAMES', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'DESCRIPTION'] : [])];
  io.out(renderTable(titles, rows, { headers, wide }));
}
