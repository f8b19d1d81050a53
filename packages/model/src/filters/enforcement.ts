import { z } from 'zod';
import { say, shown } from '../fields.ts';

const spelling = /^(enforce|shadow|(100|[1-9]?[0-9])%)$/;

/** Whether the refusals of a filter hold. */
export const enforcement = z
  .string({
    error: (issue) =>
      say('wrong_type', `${shown(issue.input)} is not a text`, 'write enforce, shadow or "25%"'),
  })
  .regex(spelling, {
    error: (issue) =>
      say('bad_format', `${shown(issue.input)} is neither enforce nor shadow nor a percentage such as "25%"`),
  })
  .describe(
    'enforce: its refusals hold. shadow: they are counted and logged, and the request passes. "25%": they hold for that share of the clients, told apart by consumer, else by address. For filters that refuse alone.',
  );

/** Share of the clients, 0 to 100, for which refusals hold. */
export function enforcedPercent(text: string): number {
  if (text === 'enforce') return 100;
  return text === 'shadow' ? 0 : Number(text.slice(0, -1));
}
