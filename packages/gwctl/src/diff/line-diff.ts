export interface DiffLine {
  sign: ' ' | '-' | '+';
  text: string;
}

/** Above this many pairs of lines to compare, the middle is shown as wholly replaced: quadratic time has a bound. */
const pairsMax = 4_000_000;

/** The shortest edit from `before` to `after`, removals before additions. */
export function lineDiff(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let [endA, endB] = [before.length, after.length];
  while (endA > start && endB > start && before[endA - 1] === after[endB - 1])
    [endA, endB] = [endA - 1, endB - 1];
  return [
    ...before.slice(0, start).map(line(' ')),
    ...middle(before.slice(start, endA), after.slice(start, endB)),
    ...before.slice(endA).map(line(' ')),
  ];
}

function middle(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length * after.length > pairsMax) return [...before.map(line('-')), ...after.map(line('+'))];
  const common = commonLengths(before, after);
  const width = after.length + 1;
  const lines: DiffLine[] = [];
  let [a, b] = [0, 0];
  while (a < before.length || b < after.length) {
    const below = common[(a + 1) * width + b] ?? 0;
    const right = common[a * width + b + 1] ?? 0;
    if (a < before.length && b < after.length && before[a] === after[b]) {
      lines.push({ sign: ' ', text: before[a]! });
      [a, b] = [a + 1, b + 1];
    } else if (a < before.length && (b === after.length || below >= right)) {
      lines.push({ sign: '-', text: before[a++]! });
    } else {
      lines.push({ sign: '+', text: after[b++]! });
    }
  }
  return lines;
}

/** Lengths of the longest common subsequences of all pairs of tails, row by row. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let a = before.length - 1; a >= 0; a--) {
    for (let b = after.length - 1; b >= 0; b--) {
      lengths[a * width + b] =
        before[a] === after[b]
          ? lengths[(a + 1) * width + b + 1]! + 1
          : Math.max(lengths[(a + 1) * width + b]!, lengths[a * width + b + 1]!);
    }
  }
  return lengths;
}

function line(sign: DiffLine['sign']): (text: string) => DiffLine {
  return (text) => ({ sign, text });
}
