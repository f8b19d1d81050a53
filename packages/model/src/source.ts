/** A value that is taken from a request, in the one spelling that it has wherever a request is told apart by something. */

import { z } from 'zod';
import { say, shown } from './fields.ts';

/** Those that are words, and those that are followed by a name. */
export const sourceWords = ['address', 'route', 'path', 'consumer'] as const;
export const namedSources = ['header', 'query', 'cookie', 'claim'] as const;

/** A source taken apart; `name` is '' of those that are words, and in lower case of headers. */
export interface Source {
  readonly kind: (typeof sourceWords)[number] | (typeof namedSources)[number];
  readonly name: string;
}

const spelling = 'address, consumer, route, path, header:NAME, query:NAME, cookie:NAME or claim:NAME';
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const nameLengthMax = 256;

/** Undefined for a text that is none. */
export function parseSource(text: string): Source | undefined {
  const word = sourceWords.find((known) => known === text);
  if (word !== undefined) return { kind: word, name: '' };
  const colon = text.indexOf(':');
  const kind = namedSources.find((known) => known === text.slice(0, colon));
  const name = text.slice(colon + 1);
  if (kind === undefined || colon < 0 || name === '' || name.length > nameLengthMax) return undefined;
  // Names of headers and cookies are tokens (RFC 9110 section 5.1, RFC 6265 section 4.1.1).
  if ((kind === 'header' || kind === 'cookie') && !token.test(name)) return undefined;
  return { kind, name: kind === 'header' ? name.toLowerCase() : name };
}

/** Only known of a request that an authentication filter has let pass. */
export function needsIdentity({ kind }: Source): boolean {
  return kind === 'consumer' || kind === 'claim';
}

export const source = z
  .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a source: ${spelling}`) })
  .superRefine((text, context) => {
    if (parseSource(text) !== undefined) return;
    const message = say('bad_format', `${shown(text)} is not a source: ${spelling}`);
    context.addIssue({ code: 'custom', message });
  })
  .describe(`What a request is told apart by: ${spelling}.`);
