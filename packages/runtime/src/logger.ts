/** Logs: one JSON line a record on stderr, since stdout belongs to access logs; plain lines when a person watches. */

import { pino, type Logger as PinoLogger } from 'pino';

import { formatLogLine } from './log-line.ts';

/** What code may log with. A record is `logger.info({ revision }, 'applied')`; an error goes under the key `err`. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  /** A logger that adds `fields` to each of its records. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
};

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** The lowest level that is written. */
  readonly level: LogLevel;
  /** Fields on every record, such as the node's id. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Where lines go instead of stderr; for tests. */
  readonly write?: (line: string) => void;
}

/**
 * A logger with the fields `level` (a word), `time` (ISO 8601, UTC) and `msg`. Lines are written synchronously, so that
 * the last one before a crash is not lost. When stderr is a terminal lines are plain text; the fields are the same.
 */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? writeToStderr(process.stderr.isTTY);
  return pino(
    {
      level: options.level,
      base: { ...options.fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
}

function writeToStderr(isTerminal: boolean): (line: string) => void {
  const destination = pino.destination({ dest: 2, sync: true });
  // Whoever read stderr is gone (EPIPE): there is nowhere left to report to, and the process must go on.
  destination.on('error', () => {});
  return isTerminal ? (line) => destination.write(formatLogLine(line)) : (line) => destination.write(line);
}
