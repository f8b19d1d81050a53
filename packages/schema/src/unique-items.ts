/** `uniqueItems` in time linear in the length of a list, where comparing each entry with each other would let a request hold a worker. */

export const uniqueItems = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  validate: (isWanted: boolean, entries: readonly unknown[]): boolean => !isWanted || areUnique(entries),
  error: { message: 'must not hold the same entry twice' },
} as const;

function areUnique(entries: readonly unknown[]): boolean {
  const seen = new Set<string>();
  for (const entry of entries) {
    const text = canonical(entry);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}

/** Equal for equal values (JSON Schema core section 4.2.2), whatever the order of members. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value === 0 ? 0 : value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}
