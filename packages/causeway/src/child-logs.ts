/** What becomes of the log lines of a child process: the grave ones are shown, the last ones kept for an obituary. */

import { formatLogLine, parseRecord } from '@causeway/runtime/log-line';
import type { LogLevel } from '@causeway/runtime/logger';

export interface ChildLogsOptions {
  /** The lowest level that is shown; a line that is no log record, such as a crash report, always is. */
  readonly level: LogLevel;
  /** Whether a person reads along: then lines are plain text instead of JSON. */
  readonly plain: boolean;
  readonly write: (text: string) => void;
}

/** Lines kept for `lastLines`, and each line's longest part that is kept. */
const linesKeptMax = 10;
const lineCharsMax = 2000;

/** Lines held back until the child is ready; what comes beyond is shown at once. */
const heldLinesMax = 1000;

const ranks = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export class ChildLogs {
  readonly #options: ChildLogsOptions;
  readonly #last: string[] = [];
  #held: string[] | undefined = [];
  #fatal: string | undefined;

  constructor(options: ChildLogsOptions) {
    this.#options = options;
  }

  /** One line of the child, without its line end. */
  push(line: string): void {
    const text = `${line.slice(0, lineCharsMax)}\n`;
    this.#last.push(formatLogLine(text));
    if (this.#last.length > linesKeptMax) this.#last.shift();
    const record = parseRecord(line);
    if (record?.['level'] === 'fatal' && typeof record['msg'] === 'string') this.#fatal ??= record['msg'];
    if (record !== undefined && rankOf(record['level']) < rankOf(this.#options.level)) return;
    if (this.#held !== undefined && this.#held.length < heldLinesMax) this.#held.push(`${line}\n`);
    else this.#show(`${line}\n`);
  }

  /** Shows what was held back, and from now on every line as it comes. Until then the obituary says it better. */
  release(): void {
    for (const line of this.#held ?? []) this.#show(line);
    this.#held = undefined;
  }

  /** Why the child ended: its fatal message if it left one, else its last lines as plain text, one below the other. */
  obituary(): string {
    return (
      this.#fatal ?? `its last lines were\n${this.#last.map((line) => `    ${line}`).join('')}`.trimEnd()
    );
  }

  #show(line: string): void {
    this.#options.write(this.#options.plain ? formatLogLine(line) : line);
  }
}

function rankOf(level: unknown): number {
  return typeof level === 'string' ? ranks.indexOf(level) : ranks.length;
}
