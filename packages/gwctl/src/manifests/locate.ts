/** Where in a file a problem is: JSON pointers of the server's answer back to lines and columns of what was written. */

import type { ApiProblem } from '@causeway/model/api-types';
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';

export interface Position {
  line: number;
  column: number;
}

/** Problems that are about a field's being there at all, so the key is at fault and not its value. */
const aboutKeys: ReadonlySet<ApiProblem['code']> = new Set(['unknown_field', 'not_allowed_here']);

/**
 * The key of an unknown or misplaced field, the value of a bad one, and for what is missing the nearest thing around it
 * that exists. Lines count in the file.
 */
export function locate(
  document: Document.Parsed,
  lines: LineCounter,
  path: readonly string[],
  code: ApiProblem['code'],
): Position {
  let node: Node | null = document.contents;
  let key: Node | undefined;
  let offset = startOf(node) ?? document.range[0];
  for (const [index, segment] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    const child = childOf(node, segment);
    if (child === undefined) return position(lines, startOf(key) ?? offset);
    ({ key, node } = child);
    const isLast = index === path.length - 1;
    const [wanted, other] = !isLast || aboutKeys.has(code) ? [key, node] : [node, key];
    offset = startOf(wanted) ?? startOf(other) ?? offset;
  }
  return position(lines, offset);
}

function childOf(
  node: Node | null,
  segment: string,
): { key: Node | undefined; node: Node | null } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(segment)] as Node | undefined;
    return item === undefined ? undefined : { key: undefined, node: item };
  }
  if (!isMap(node)) return undefined;
  const pair = (node.items as Pair<Node, Node | null>[]).find(
    (candidate) => isScalar(candidate.key) && String(candidate.key.value) === segment,
  );
  return pair && { key: pair.key, node: pair.value };
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
