import { z } from 'zod';
import { say, shown } from './fields.ts';

/** The origin of a page, as browsers send it, or `*` for any. */

const schemePorts: Readonly<Record<string, string>> = { http: ':80', https: ':443' };
/** Scheme; host: a name with or without "*." before it, or an address, IPv6 in brackets; port. */
const originPattern =
  /^(https?):\/\/((?:\*\.)?[a-z0-9_](?:[-a-z0-9_.]*[a-z0-9_])?|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$/;

function isOrigin(text: string): boolean {
  const parts = originPattern.exec(text);
  if (parts === null || parts[2]!.includes('..')) return false;
  return (
    parts[3] === undefined || (parts[3] !== schemePorts[parts[1]!] && Number(parts[3].slice(1)) < 65_536)
  );
}

/** The origin that was meant, where it can be guessed: browsers never send a path, upper case or the usual port. */
function mendOrigin(input: unknown): string | undefined {
  if (typeof input !== 'string') return undefined;
  const bare = input.trim().toLowerCase();
  // What browsers send for pages without an origin: it is nobody's, so nobody can be allowed by it.
  if (bare === 'null') return undefined;
  const whole = /^[a-z][a-z0-9+.-]*:\/\//.test(bare)
    ? bare.replace(/^ws(s?):/, 'http$1:')
    : `https://${bare}`;
  const parts = /^(https?):\/\/([^/?#]+?)(:[0-9]+)?([/?#].*)?$/.exec(whole);
  if (parts === null) return undefined;
  const [, scheme = '', host, port = ''] = parts;
  const mended = `${scheme}://${host}${port === schemePorts[scheme] ? '' : port}`;
  return isOrigin(mended) ? mended : undefined;
}

function sayNoOrigin(input: unknown): string {
  const mended = mendOrigin(input);
  return say(
    'bad_format',
    `${shown(input)} is not an origin (*, https://host or https://*.suffix, with a port where it is not the usual one)`,
    mended === undefined ? undefined : `did you mean ${JSON.stringify(mended)}?`,
  );
}

export const origin = z
  .string({ error: (issue) => sayNoOrigin(issue.input) })
  .max(300, { error: () => say('out_of_range', 'longer than 300 characters'), abort: true })
  .superRefine((value, context) => {
    if (value !== '*' && !isOrigin(value)) context.addIssue({ code: 'custom', message: sayNoOrigin(value) });
  })
  .describe(
    '* or an origin: http or https, a host, exact or *.suffix, and a port that is not the usual one.',
  );
