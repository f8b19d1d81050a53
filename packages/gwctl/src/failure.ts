import type { ProblemDocument } from '@causeway/model/api-types';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { printable } from './output/printable.ts';

interface FailureOptions {
  /** Lines above the error: the problems that it counts. */
  above?: readonly string[];
  /** Lines below it. */
  below?: readonly string[];
  hint?: string | undefined;
  exitCode?: ExitCode;
}

/** Ends a command with `error: ...` on stderr and an exit code. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly above: readonly string[];
  readonly below: readonly string[];
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, options: FailureOptions = {}) {
    super(message);
    this.above = options.above ?? [];
    this.below = options.below ?? [];
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }

  /** Without the last line feed. */
  text(): string {
    return [
      ...this.above,
      `error: ${this.message}`,
      ...this.below,
      ...(this.hint === undefined ? [] : [`hint: ${this.hint}`]),
    ]
      .map(printable)
      .join('\n');
  }
}

/** A line that belongs to the error above it. */
export function indented(line: string): string {
  return `  ${line}`;
}

/** A command line that cannot be carried out as it stands. */
export function usage(message: string, hint?: string): Failure {
  return new Failure(message, { hint, exitCode: exitCodes.invalid });
}

/** The failure for an answer of the admin API that no command has a better word for. */
export function refused(problem: ProblemDocument): Failure {
  const below = problem.errors.map(({ resource, pointer, detail, hint }) => {
    const place = [resource, pointer].filter((part) => part !== undefined && part !== '').join(' ');
    return `${place === '' ? '' : `${place}: `}${detail}${hint ? ` (${hint})` : ''}`;
  });
  return new Failure(problem.detail, {
    below: below.filter((line) => line !== problem.detail).map(indented),
    hint: hints[problem.code],
    exitCode: exitCodeOf(problem),
  });
}

function exitCodeOf({ code, status }: ProblemDocument): ExitCode {
  if (code === 'rejected_by_nodes') return exitCodes.rejected;
  if (status === 409 || status === 412) return exitCodes.conflict;
  return status === 400 || status === 422 ? exitCodes.invalid : exitCodes.failed;
}

const hints: Partial<Record<ProblemDocument['code'], string>> = {
  unauthenticated:
    'give a token with --token, GWCTL_TOKEN or: gwctl config set-context NAME --token-file FILE',
  mass_deletion: 'if that is meant, say --force',
  not_ready: 'try again in a moment',
};
