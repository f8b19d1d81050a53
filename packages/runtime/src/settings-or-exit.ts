/** Settings at the start of a process: the typed values, or the end of the process with what to mend. */

import { unreachable } from './assert.ts';
import type { SettingDeclarations } from './setting-kinds.ts';
import { renderHelp } from './settings-text.ts';
import { readSettings, settingsExitCode, type SettingValues } from './settings.ts';

export interface ProcessSettings<D extends SettingDeclarations> {
  /** As the user types it, such as `causeway data-plane`. */
  readonly command: string;
  /** One sentence for the top of its help. */
  readonly summary: string;
  readonly declarations: D;
  /** The arguments after the command. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * `--help` goes to stdout and exits with 0; problems go to stderr, one a line, and exit with `settingsExitCode`.
 * Call it first: it ends the process without stopping anything.
 */
export function settingsOrExit<D extends SettingDeclarations>(options: ProcessSettings<D>): SettingValues<D> {
  const { command, summary, declarations } = options;
  const result = readSettings(declarations, options.argv, options.env);
  switch (result.outcome) {
    case 'values':
      return result.values;
    case 'help':
      process.stdout.write(renderHelp(command, summary, declarations));
      return process.exit(0);
    case 'problems':
      process.stderr.write(result.problems.map((problem) => `${command}: ${problem}\n`).join(''));
      return process.exit(settingsExitCode);
    default:
      return unreachable(result);
  }
}
