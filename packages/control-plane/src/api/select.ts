import { malformed } from './api-error.ts';

/** Requirements in one selector. */
const requirementsMax = 32;

type Labels = Readonly<Record<string, string>> | undefined;
export type LabelSelector = (labels: Labels) => boolean;

/**
 * Parses a label selector as Kubernetes writes them: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`,
 * joined by commas. Throws a 400 for anything else.
 */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  if (requirements.length > requirementsMax)
    throw malformed(`more than ${requirementsMax} requirements in labelSelector`);
  return (labels) => requirements.every((requirement) => requirement(labels));
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}

const requirementPattern =
  /^(?<not>!)?\s*(?<key>[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?)\s*(?:(?<operator>==|=|!=)\s*(?<value>[-A-Za-z0-9_.]*)|\s(?<set>in|notin)\s*\((?<values>[^()]*)\))?$/;

function parseRequirement(text: string): LabelSelector {
  const groups = requirementPattern.exec(text)?.groups;
  if (!groups || (groups['not'] && (groups['operator'] ?? groups['set']))) {
    throw malformed(
      `labelSelector: ${JSON.stringify(text)} is no requirement`,
      undefined,
      'write key=value, key!=value, key in (a,b), key notin (a,b), key or !key',
    );
  }
  const { key = '', operator, value = '', set, values = '' } = groups;
  const has = (labels: Labels): boolean => labels !== undefined && Object.hasOwn(labels, key);
  if (set) {
    const wanted = new Set(values.split(',').map((entry) => entry.trim()));
    return set === 'in'
      ? (labels) => has(labels) && wanted.has(labels![key]!)
      : (labels) => !has(labels) || !wanted.has(labels![key]!);
  }
  if (operator === '!=') return (labels) => !has(labels) || labels![key] !== value;
  if (operator) return (labels) => has(labels) && labels![key] === value;
  return groups['not'] ? (labels) => !has(labels) : has;
}

/** Parses a field selector over the given fields, such as `metadata.name=orders`. */
export function parseFieldSelector(
  text: string,
  fields: readonly string[],
): (valueOf: (field: string) => string) => boolean {
  const requirements = text.split(',').map((part) => {
    const [, field = '', operator = '', value = ''] =
      /^\s*([A-Za-z.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part) ?? [];
    if (!fields.includes(field))
      throw malformed(
        `fieldSelector: ${JSON.stringify(part)} is not on a field that can be selected`,
        undefined,
        `fields: ${fields.join(', ')}`,
      );
    return { field, value, isEqual: operator !== '!=' };
  });
  return (valueOf) =>
    requirements.every(({ field, value, isEqual }) => (valueOf(field) === value) === isEqual);
}

/**
 * The same where the fields are only compared with `=`, each with one value, as those who are asked for them cannot do
 * more. Throws a 400 for anything else.
 */
export function parseEqualities<const F extends string>(
  text: string,
  fields: readonly F[],
): Partial<Record<F, string>> {
  const values: Partial<Record<F, string>> = {};
  for (const part of text === '' ? [] : text.split(',')) {
    const [, field = '', value = ''] = /^\s*([A-Za-z.]+)\s*==?\s*(.*?)\s*$/.exec(part) ?? [];
    const known = fields.find((name) => name === field);
    if (known === undefined || value === '' || values[known] !== undefined)
      throw malformed(
        `fieldSelector: ${JSON.stringify(part)} cannot be selected by`,
        undefined,
        `write FIELD=VALUE, each field once; fields: ${fields.join(', ')}`,
      );
    values[known] = value;
  }
  return values;
}
