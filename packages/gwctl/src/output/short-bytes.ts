const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes as sizes are written, with three digits at most: `512B`, `1.5KiB`, `64KiB`. */
export function shortBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes}B`;
  let value = bytes / 1024;
  let unit = 0;
  // 1000 and not 1024: a fourth digit is where the next unit begins.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)}${units[unit]}`;
}
