/** `uniqueItems` in time linear in the length of a list, where comparing each entry with each other would let a request hold a worker. */

export const uniqueItems = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  validate: (isWanted: boolean, entries: readonly unknown[]): boolean => !isWanted || areUnique(entries),
  error: { message: 'must not hold the same entry twice' },
} as const;

/** Numbers of values that were compared, equal for equal ones: of lists within lists each is gone through once. */
let numbers = new Map<string, number>();
let known = new Map<object, number>();

/** The value is judged: others may stand in the same places. */
export function forgetEntries(): void {
  if (numbers.size === 0) return;
  numbers = new Map();
  known = new Map();
}

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
  let number = known.get(value);
  if (number === undefined) {
    const text = Array.isArray(value) ? `[${value.map(canonical).join()}]` : members(value);
    number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    known.set(value, number);
  }
  return `#${number}`;
}

function members(value: object): string {
  const sorted = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}
