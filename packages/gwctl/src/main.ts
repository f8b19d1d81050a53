import { AdminApiError, Unreachable } from '@causeway/admin-client/errors';
import addCompletion from '@bomb.sh/tab/commander';
import { CommanderError } from 'commander';
import { prepareSuggestions } from './completion/prepare-suggestions.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure, refused } from './failure.ts';
import { type Io, processIo } from './io.ts';
import { buildProgram } from './program.ts';

/** Runs one command line and sets the exit code of the process. */
export async function main(argv: readonly string[], env: Io['env']): Promise<void> {
  // A reader that has seen enough, such as `head`, is no error.
  process.stdout.on('error', () => process.exit());
  process.once('SIGINT', () => process.exit(exitCodes.interrupted));
  process.exitCode = await run(argv, processIo(env));
}

/** The same without touching the process: what it prints goes to `io`, the exit code comes back. */
async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    const program = buildProgram(io);
    const root = addCompletion(program, { completionCommandName: 'completion' });
    program.commands
      .find((command) => command.name() === 'completion')
      ?.description('print a script that completes words in a shell');
    if (argv[0] === 'complete')
      await prepareSuggestions(io, { root, program, words: argv.slice(argv.indexOf('--') + 1) });
    await program.parseAsync(argv, { from: 'user' });
    return io.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    // Without a command, the help has been printed already and says all there is to say.
    if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.invalid;
    const failure = failureOf(error);
    io.err(failure.text());
    return failure.exitCode;
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) return usageFailure(error);
  if (error instanceof AdminApiError) return refused(error.problem);
  if (error instanceof Unreachable) {
    const hint =
      'is it running? Start it (npm start), or name another: --server URL, gwctl config use-context NAME';
    return new Failure(error.message, { hint });
  }
  // Our bug: the stack is what a report needs.
  return new Failure(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Commander's sentences in our form: `error: unknown option '--x' (did you mean --y?)`. */
function usageFailure({ message }: CommanderError): Failure {
  const text = message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.+)\?\)$/, (_, near: string) => ` (did you mean ${near}?)`);
  return new Failure(text, { hint: 'gwctl --help', exitCode: exitCodes.invalid });
}
