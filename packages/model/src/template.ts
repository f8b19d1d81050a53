import { didYouMean } from './hints.ts';

/**
 * Texts with `${...}` in them. Read here and nowhere else: validation asks for the fault, the compiler for the parts, and a
 * node is sent the parts, so that it needs no grammar.
 */

/** What a `${...}` may name. Those that end in a dot are followed by a name. */
export const templateSources = [
  'request.method',
  'request.host',
  'request.path',
  'request.id',
  'request.scheme',
  'request.header.',
  'request.query.',
  'path.',
  'client.address',
  'route.name',
  'claims.',
  'consumer.name',
] as const;

/** The sources as a user writes them. */
export const templateWords: readonly string[] = templateSources.map((source) =>
  source.endsWith('.') ? `${source}NAME` : source,
);

export type TemplateSource = (typeof templateSources)[number];

export interface TemplateVariable {
  source: TemplateSource;
  /** Header (lower case), query parameter or path parameter; '' for a source that takes no name. */
  name: string;
}

/** Literal text, or what the request puts in its place. */
export type TemplatePart = string | TemplateVariable;

export interface TemplateFault {
  detail: string;
  hint?: string;
}

/** `${...}` in one text; each costs a look-up for every request that gets it. */
export const templateVariablesMax = 64;

/**
 * Takes a text apart: `${source}` is a variable, `$${` a literal `${`, and any other `$` itself. Neighbouring literals are one
 * part, and none is empty. The fault names the place by the number of the character, from 1.
 */
export function parseTemplate(text: string): { parts: TemplatePart[] } | { fault: TemplateFault } {
  const parts: TemplatePart[] = [];
  let literal = '';
  let at = 0;
  let variables = 0;
  for (let next = text.indexOf('${'); next !== -1; next = text.indexOf('${', at)) {
    if (text[next - 1] === '$' && next > at) {
      literal += text.slice(at, next - 1) + '${';
      at = next + 2;
      continue;
    }
    literal += text.slice(at, next);
    const end = text.indexOf('}', next);
    if (end === -1) return { fault: unclosed(next) };
    const variable = readVariable(text.slice(next + 2, end), next);
    if ('detail' in variable) return { fault: variable };
    if (++variables > templateVariablesMax) return { fault: tooMany };
    if (literal !== '') parts.push(literal);
    parts.push(variable);
    literal = '';
    at = end + 1;
  }
  literal += text.slice(at);
  if (literal !== '') parts.push(literal);
  return { parts };
}

const tooMany: TemplateFault = { detail: `more than ${templateVariablesMax} variables` };

function unclosed(at: number): TemplateFault {
  return {
    detail: `the "\${" at character ${at + 1} has no "}"`,
    hint: 'write "$${" for a literal "${"',
  };
}

/** Names of what stands behind a dot: a header is a token, a parameter is spelled as in `path.template`. */
const namePatterns: Readonly<Record<string, RegExp>> = {
  'request.header.': /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/,
  'request.query.': /^[^\u0000-\u0020\u007f{}]{1,256}$/,
  // Dotted paths; names of claims are often URLs.
  'claims.': /^[^\u0000-\u0020\u007f{}]{1,256}$/,
  'path.': /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
};

function readVariable(word: string, at: number): TemplateVariable | TemplateFault {
  const source = templateSources.find((known) =>
    known.endsWith('.') ? word.startsWith(known) : word === known,
  );
  const name = source === undefined ? '' : word.slice(source.length);
  if (source !== undefined && (namePatterns[source]?.test(name) ?? true))
    return { source, name: source === 'request.header.' ? name.toLowerCase() : name };
  const unknown = `unknown variable ${JSON.stringify(word.slice(0, 80))} at character ${at + 1}`;
  const hint = variableHint(word);
  return hint === undefined ? { detail: unknown } : { detail: unknown, hint };
}

/** Compares what stands before the name, since the name may be anything. */
function variableHint(word: string): string | undefined {
  const [first = '', second = '', ...rest] = word.split('.');
  const named = rest.length > 0 ? [`${first}.${second}.NAME`] : [`${first}.NAME`, `${first}.${second}.NAME`];
  return (
    didYouMean(
      word,
      templateWords.filter((known) => !known.endsWith('NAME')),
    ) ??
    named.map((guess) => didYouMean(guess, templateWords)).find((hint) => hint !== undefined) ??
    `variables: ${templateWords.join(', ')}`
  );
}
