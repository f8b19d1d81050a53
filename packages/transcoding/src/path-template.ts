/**
 * Paths of `google.api.http`:
 *
 *     Template = "/" Segments [ ":" LITERAL ]
 *     Segments = Segment { "/" Segment }
 *     Segment  = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}"
 *
 * Source: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
 */

import { TranscodingFault } from './fault.ts';

export interface PathTemplate {
  /** `*` is any segment, `**` the rest of the path; others are literal, percent-decoded. */
  readonly segments: readonly Segment[];
  readonly variables: readonly PathVariable[];
  /** What follows the colon behind the last segment; empty: none. */
  readonly verb: string;
}

export type Segment = { readonly literal: string } | '*' | '**';

export interface PathVariable {
  /** Names of fields, from the outermost. */
  readonly fieldPath: readonly string[];
  /** Its segments. */
  readonly start: number;
  readonly end: number;
  /** Its slashes are its own: `%2F` is not decoded. */
  readonly isMulti: boolean;
}

const literalText = /^(?:[\w.~!$&'()+,;@-]|%[\dA-Fa-f]{2})+$/;
const fieldPathText = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** Throws a `TranscodingFault` that says what of it is wrong. */
export function parsePathTemplate(text: string): PathTemplate {
  const refuse = (why: string): never => {
    throw new TranscodingFault(`path template ${text}: ${why}`);
  };
  if (!text.startsWith('/')) return refuse('must begin with a slash');
  const segments: Segment[] = [];
  const variables: PathVariable[] = [];
  const verbAt = /:[^:/{}*]*$/.exec(text)?.index;
  const verb = verbAt === undefined ? '' : text.slice(verbAt + 1);
  if (verbAt !== undefined && !literalText.test(verb)) return refuse('has no verb behind its colon');
  const addSegment = (part: string): void => {
    if (part !== '*' && part !== '**' && !literalText.test(part))
      refuse(part === '' ? 'has an empty segment' : `${part} is no segment`);
    if (segments.at(-1) === '**') refuse('has segments behind **');
    segments.push(part === '*' || part === '**' ? part : { literal: percentDecode(part) });
  };
  for (const part of splitSegments(text.slice(1, verbAt))) {
    if (!part.startsWith('{')) {
      addSegment(part);
      continue;
    }
    const [, path = '', pattern = '*'] = /^\{([^={}]*)(?:=([^={}]*))?\}$/.exec(part) ?? [];
    if (!fieldPathText.test(path)) refuse(`${part} is no variable`);
    const fieldPath = path.split('.');
    if (variables.some((other) => other.fieldPath.join('.') === path)) refuse(`has ${path} twice`);
    const start = segments.length;
    for (const inner of pattern.split('/')) addSegment(inner);
    const isMulti = pattern.includes('/') || pattern === '**';
    variables.push({ fieldPath, start, end: segments.length, isMulti });
  }
  return { segments, variables, verb };
}

/** At slashes outside of braces. */
function splitSegments(path: string): string[] {
  if (!path.includes('{')) return path === '' ? [] : path.split('/');
  const parts = [''];
  let isInBraces = false;
  for (const character of path) {
    if (character === '{' || character === '}') isInBraces = character === '{';
    if (character === '/' && !isInBraces) parts.push('');
    else parts.push(`${parts.pop()}${character}`);
  }
  return parts;
}

/** Throws a `TranscodingFault` where it is no UTF-8. */
export function percentDecode(text: string, keepsSlash = false): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(keepsSlash ? text.replace(/%(2f)/gi, '%25$1') : text);
  } catch {
    throw new TranscodingFault('is not percent-encoded UTF-8');
  }
}
