/** Containers nested deeper than this are refused before anything walks them recursively. */
export const nestingMax = 100;

/**
 * Bytes that a value takes as JSON, without white space. Stops counting above `bytesMax`, so that a value whose parts
 * refer to each other many times over costs no more than a large one; Infinity for one nested deeper than `nestingMax`.
 */
export function jsonBytes(value: unknown, bytesMax: number, depth = 0): number {
  if (typeof value === 'string') return Buffer.byteLength(JSON.stringify(value));
  if (typeof value !== 'object' || value === null) return String(value).length;
  if (depth === nestingMax) return Infinity;
  let bytes = 2;
  for (const [key, entry] of Object.entries(value)) {
    if (bytes > bytesMax) return bytes;
    if (bytes > 2) bytes += 1;
    if (!Array.isArray(value)) bytes += Buffer.byteLength(JSON.stringify(key)) + 1;
    bytes += jsonBytes(entry, bytesMax - bytes, depth + 1);
  }
  return bytes;
}
