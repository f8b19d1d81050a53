/** A scalar of a spec as text, and `absent` for anything else: a newer server may have other shapes. */
export function scalarText(value: unknown, absent: string): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : absent;
}
