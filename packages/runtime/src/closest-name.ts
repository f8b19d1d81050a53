/** "Did you mean ...?" */

/**
 * The candidate that `typed` most likely stands for, undefined when none is near: at most one edit in three characters
 * of the longer one (insert, delete, replace, or swap of neighbours). Ties go to the earlier candidate.
 */
export function closestName(typed: string, candidates: Iterable<string>): string | undefined {
  let closest: string | undefined;
  let closestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distanceMax = Math.max(1, Math.floor(Math.max(typed.length, candidate.length) / 3));
    if (Math.abs(candidate.length - typed.length) > distanceMax) continue;
    const distance = editDistance(typed.toLowerCase(), candidate.toLowerCase());
    if (distance <= distanceMax && distance < closestDistance) {
      closest = candidate;
      closestDistance = distance;
    }
  }
  return closest;
}

/** Optimal string alignment distance, row by row. Quadratic: for names, not for documents. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, at(beforeLast, column - 2) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
