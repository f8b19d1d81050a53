import { z } from 'zod';
import { say, shown } from '../fields.ts';

const filePrefix = 'file:';
/** Longest path that Linux opens (PATH_MAX). */
const pathCharactersMax = 4096;

/** Where access log lines go: `stdout`, or `file:` and an absolute path on the node. */
export const accessLogOutput = z
  .string({ error: (issue) => complaint(issue.input) })
  .regex(/^(stdout|file:\/(?!\/)[^\u0000-\u001f\u007f]*[^\u0000-\u001f\u007f/])$/, {
    error: (issue) => complaint(issue.input),
    abort: true,
  })
  .max(pathCharactersMax, {
    error: () => say('out_of_range', `longer than ${pathCharactersMax} characters`),
  })
  .describe('stdout, or file:PATH with an absolute path on the node; reopened on SIGHUP.');

function complaint(input: unknown): string {
  const path = typeof input === 'string' ? input.replace(/^file:(\/\/)?/, '') : '';
  return say('bad_format', `${shown(input)} is not "stdout" or "file:PATH"`, hintFor(path));
}

function hintFor(path: string): string {
  if (!path.startsWith('/')) return 'the path must begin with "/"';
  return /^[^\u0000-\u001f\u007f]*[^/]$/.test(path)
    ? `write ${filePrefix}${path}`
    : 'name a file, in one line';
}

/** The path of a file output, undefined for stdout. Validation has seen the text. */
export function accessLogPath(output: string): string | undefined {
  return output.startsWith(filePrefix) ? output.slice(filePrefix.length) : undefined;
}
