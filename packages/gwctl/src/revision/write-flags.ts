import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '@causeway/model/quantity';
import { shortDuration } from '../output/age.ts';

/** Flags of commands that make a revision. */
export interface WriteFlags extends WaitFlags {
  dryRun: 'none' | 'client' | 'server';
  message?: string;
  force?: boolean;
}

/** Flags of commands whose effect can be waited for. */
export interface WaitFlags {
  wait?: boolean;
  /** Milliseconds. */
  timeout: number;
}

const timeoutMsDefault = 30_000;

export function withWriteFlags(command: Command): Command {
  const writing = command
    .addOption(
      new Option('--dry-run <how>', 'check only: here (client), or there without storing (server)')
        .choices(['none', 'client', 'server'])
        .default('none'),
    )
    .option('-m, --message <text>', 'why, recorded with the revision')
    .option('--force', 'although it changes what somebody else has changed, or deletes most Routes');
  return withWaitFlags(writing, 'until every connected node has the revision', timeoutMsDefault);
}

export function withWaitFlags(command: Command, waitsFor: string, timeoutMs: number): Command {
  return command
    .option('--wait', waitsFor)
    .addOption(
      new Option('--timeout <duration>', 'with --wait: how long')
        .argParser(durationArgument)
        .default(timeoutMs, shortDuration(timeoutMs)),
    );
}

function durationArgument(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('Write a duration such as 30s.');
  return ms;
}
