import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '@causeway/model/quantity';

/** Flags of commands that make a revision. */
export interface WriteFlags {
  dryRun: 'none' | 'client' | 'server';
  message?: string;
  force?: boolean;
  wait?: boolean;
  /** Milliseconds. */
  timeout: number;
}

const timeoutMsDefault = 30_000;

export function withWriteFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--dry-run <how>', 'check only: here (client), or there without storing (server)')
        .choices(['none', 'client', 'server'])
        .default('none'),
    )
    .option('-m, --message <text>', 'why, recorded with the revision')
    .option('--force', 'although it changes what somebody else has changed, or deletes most Routes')
    .option('--wait', 'until every connected node has the revision')
    .addOption(
      new Option('--timeout <duration>', 'with --wait: how long')
        .argParser(durationArgument)
        .default(timeoutMsDefault, '30s'),
    );
}

function durationArgument(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('Write a duration such as 30s.');
  return ms;
}
