import { list, say, shown } from '../fields.ts';
import { parseSource, source } from '../source.ts';

const carriers = ['header', 'query', 'cookie'];
const sourcesMax = 8;

const credentialSource = source.superRefine((text, context) => {
  const kind = parseSource(text)?.kind;
  if (kind === undefined || carriers.includes(kind)) return;
  const message = say(
    'not_allowed_here',
    `${shown(text)} carries no credentials: header:NAME, query:NAME or cookie:NAME`,
  );
  context.addIssue({ code: 'custom', message });
});

/** Where credentials are looked for; the first place that holds something decides. */
export function credentialSources(description: string) {
  return list(credentialSource, { description, max: sourcesMax, min: 1, key: '' });
}
