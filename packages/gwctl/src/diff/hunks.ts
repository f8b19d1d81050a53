/** Differences of two objects, a hunk for each field that differs: the smallest mapping entry, but lists as a whole. */

import { isDeepStrictEqual } from 'node:util';
import { pointerOf } from '@causeway/model/problem';
import { stringify } from 'yaml';
import { type DiffLine, lineDiff } from './line-diff.ts';

export interface Hunk {
  pointer: string;
  lines: DiffLine[];
}

/** Unchanged lines around a change in a list. */
const contextLines = 3;

/** Hunks in the order of the older object's fields, then of those that only the newer one has. */
export function hunksOf(before: unknown, after: unknown, path: readonly string[] = []): Hunk[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isMapping(before) || !isMapping(after)) {
    return [{ pointer: pointerOf(path), lines: nearChanges(lineDiff(linesOf(before), linesOf(after))) }];
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => hunksOf(before[name], after[name], [...path, name]));
}

/** The lines of a whole object that is there on one side only. */
export function wholeLines(value: object, sign: '-' | '+'): DiffLine[] {
  return yamlLines(value).map((text) => ({ sign, text }));
}

/** Containers are indented as they stand under their key; an absent value has no lines. */
function linesOf(value: unknown): string[] {
  if (value === undefined) return [];
  const isContainer = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  return yamlLines(value).map((text) => (isContainer ? `  ${text}` : text));
}

/** Fields in one order on both sides, so that only values make a difference. */
function yamlLines(value: unknown): string[] {
  return stringify(value, { sortMapEntries: true, lineWidth: 0, compat: 'yaml-1.1' }).trimEnd().split('\n');
}

function nearChanges(lines: readonly DiffLine[]): DiffLine[] {
  const changed = lines.flatMap(({ sign }, index) => (sign === ' ' ? [] : [index]));
  const isNear = (index: number): boolean => changed.some((at) => Math.abs(at - index) <= contextLines);
  const shown: DiffLine[] = [];
  let isCut = false;
  for (const [index, line] of lines.entries()) {
    if (isNear(index)) shown.push(line);
    else if (!isCut) shown.push({ sign: ' ', text: '  ...' });
    isCut = !isNear(index);
  }
  return shown;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
