import type { Command } from 'commander';

/** The flags `-f` and `-R`, for commands that read files. */
export function withManifestFlags(command: Command): Command {
  return command
    .option(
      '-f, --filename <file>',
      'file, directory or - for stdin; may be given several times',
      (path: string, before: readonly string[]) => [...before, path],
      [] as readonly string[],
    )
    .option('-R, --recursive', 'with -f DIR: the directories below it too');
}
