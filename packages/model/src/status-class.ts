/** Statuses in lists: one of them, or all of a class. */

import { z } from 'zod';
import { say, shown } from './fields.ts';

const classPattern = /^[2-5]xx$/;
const complain = (issue: { input?: unknown }): string =>
  say(
    'bad_format',
    `${shown(issue.input)} is not a status (200 to 599) or a class such as 5xx`,
    typeof issue.input === 'string' && /^[2-5][0-9]{2}$/.test(issue.input)
      ? `write it without quotes: ${issue.input}`
      : undefined,
  );

export const statusClass = z
  .union(
    [
      z.number().int({ error: complain }).min(200, { error: complain }).max(599, { error: complain }),
      z.string().regex(classPattern, { error: complain }),
    ],
    { error: complain },
  )
  .describe('Status, 200 to 599, or a class such as 5xx.');

/** The first and the last status of an entry. */
export function statusRange(entry: z.output<typeof statusClass>): { first: number; last: number } {
  if (typeof entry === 'number') return { first: entry, last: entry };
  const first = Number(entry[0]) * 100;
  return { first, last: first + 99 };
}
