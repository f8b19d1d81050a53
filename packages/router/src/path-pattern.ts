// How a Route's path is written, and its one parsed form, from which tree, precedence and explain all work.

import type { RE2JS } from 're2js';
import { canonicalPath } from './canonical-path.ts';
import type { Parsed } from './parsed.ts';
import { parsed, unparsed } from './parsed.ts';
import { parseRegex } from './regex.ts';

export type PathMatch =
  | { readonly exact: string }
  | { readonly prefix: string }
  | { readonly template: string }
  | { readonly regex: string };

/** A segment of a template or prefix: canonical text, or the name of a parameter that takes one non-empty segment. */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string };

/**
 * `end` tells what may follow the segments: nothing (`here`), nothing or whole segments (`prefix`), or a slash and
 * anything, called `restName` (`rest`).
 *
 * `rank` orders patterns that take the same path: the smaller string is the more specific pattern. A digit for the
 * kind (exact, tree, regex), then a letter a segment (literal, parameter), then one for the end. Patterns of one rank
 * that take the same path tie.
 */
export type PathPattern =
  | { readonly kind: 'exact'; readonly path: string; readonly rank: string }
  | TreePattern
  | { readonly kind: 'regex'; readonly regex: RE2JS; readonly rank: string };

export interface TreePattern {
  readonly kind: 'tree';
  readonly segments: readonly Segment[];
  readonly end: 'here' | 'prefix' | 'rest';
  readonly restName: string | undefined;
  readonly rank: string;
}

/** The most segments in a path of a Route; the tree is at most this deep, so recursion over it is safe. */
export const pathSegmentsMax = 256;

const namePattern = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/**
 * Parses any path of a Route. Literals are brought to their canonical spelling (`/%7euser` is `/~user`), since requests
 * are; a dot segment, a query or a character that needs escaping is a problem, since it would never match.
 */
export function parsePathMatch(path: PathMatch): Parsed<PathPattern> {
  if ('template' in path) return parseTemplate(path.template);
  if ('regex' in path) {
    const regex = parseRegex(path.regex);
    return regex.ok ? parsed({ kind: 'regex', regex: regex.value, rank: '2' }) : regex;
  }
  const text = 'exact' in path ? path.exact : path.prefix;
  if (/[{}]/.test(text))
    return unparsed('braces stand for parameters only in path.template; escape them as %7B and %7D');
  const segments = parseSegments(text);
  if (!segments.ok) return segments;
  if ('exact' in path) return parsed({ kind: 'exact', path: joinSegments(segments.value), rank: '0' });
  const trailing = segments.value.at(-1);
  const trimmed =
    trailing?.kind === 'literal' && trailing.text === '' ? segments.value.slice(0, -1) : segments.value;
  return parsed(treePattern(trimmed, 'prefix', undefined));
}

/**
 * Parses a template: `{name}` takes one non-empty segment, `{name...}`, only at the end, takes what follows its slash,
 * be it nothing. A parameter is a whole segment. Names are unique and may stand in `path.NAME`.
 */
export function parseTemplate(text: string): Parsed<TreePattern> {
  const rest = /\/\{([^{}/]*)\.\.\.\}$/.exec(text);
  const restName = rest?.[1];
  const segments = parseSegments(rest === null ? text : text.slice(0, rest.index), rest !== null);
  if (!segments.ok) return segments;
  const names = segments.value.flatMap((segment) => (segment.kind === 'param' ? [segment.name] : []));
  if (restName !== undefined) names.push(restName);
  const bad = names.find((name) => !namePattern.test(name));
  if (bad !== undefined)
    return unparsed(`{${bad}} is no parameter: a name is letters, digits, _ and -, 64 at most`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return unparsed(`{${twice}} stands twice; parameter names are unique`);
  return parsed(treePattern(segments.value, rest === null ? 'here' : 'rest', restName));
}

/** The literal text of segments, with `{}` for each parameter. */
export function joinSegments(segments: readonly Segment[]): string {
  return `/${segments.map((segment) => (segment.kind === 'literal' ? segment.text : '{}')).join('/')}`;
}

function treePattern(
  segments: readonly Segment[],
  end: TreePattern['end'],
  restName: string | undefined,
): TreePattern {
  const letters = segments.map((segment) => (segment.kind === 'literal' ? 'a' : 'b')).join('');
  return { kind: 'tree', segments, end, restName, rank: `1${letters}${end === 'here' ? 'c' : 'd'}` };
}

function parseSegments(text: string, mayBeEmpty = false): Parsed<Segment[]> {
  if (text === '' && mayBeEmpty) return parsed([]);
  if (!text.startsWith('/')) return unparsed('the path must begin with /');
  const texts = text.slice(1).split('/');
  if (texts.length > pathSegmentsMax) return unparsed(`the path has more than ${pathSegmentsMax} segments`);
  const segments: Segment[] = [];
  for (const raw of texts) {
    const segment = parseSegment(raw);
    if (!segment.ok) return segment;
    segments.push(segment.value);
  }
  return parsed(segments);
}

function parseSegment(raw: string): Parsed<Segment> {
  const param = /^\{([^{}]*)\}$/.exec(raw);
  if (param !== null) {
    const name = param[1] ?? '';
    if (name.endsWith('...')) return unparsed(`{${name}} must be the last segment`);
    return parsed({ kind: 'param', name });
  }
  if (/[{}]/.test(raw)) return unparsed(`"${raw}" mixes text and braces; a parameter is a whole segment`);
  const literal = canonicalPath(`/${raw}`, false);
  if (!literal.ok) return literal;
  if (literal.query !== undefined) return unparsed('a ? begins the query, which is no part of the path');
  if (literal.path === '/' && raw !== '')
    return unparsed(`the dot segment "${raw}" never matches; requests have none`);
  return parsed({ kind: 'literal', text: literal.path.slice(1) });
}
