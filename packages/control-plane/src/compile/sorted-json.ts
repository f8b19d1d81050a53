/** JSON with members sorted by key, so that equal values give equal bytes in whatever order they were written. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
