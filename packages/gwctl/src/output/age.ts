const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;

/** A time span as kubectl writes ages: two units while the larger one is small, one after that. */
export function shortDuration(ms: number): string {
  if (ms < 0) return '0s';
  if (ms < 2 * minuteMs) return `${Math.floor(ms / secondMs)}s`;
  if (ms < 10 * minuteMs) return joined(ms, minuteMs, 'm', secondMs, 's');
  if (ms < 3 * hourMs) return `${Math.floor(ms / minuteMs)}m`;
  if (ms < 8 * hourMs) return joined(ms, hourMs, 'h', minuteMs, 'm');
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)}h`;
  if (ms < 8 * dayMs) return joined(ms, dayMs, 'd', hourMs, 'h');
  if (ms < 2 * yearMs) return `${Math.floor(ms / dayMs)}d`;
  if (ms < 8 * yearMs) return joined(ms, yearMs, 'y', dayMs, 'd');
  return `${Math.floor(ms / yearMs)}y`;
}

/** Time since an RFC 3339 time; `-` for none, and for the epoch, which is the age of what was never created. */
export function age(time: string, nowMs: number): string {
  const ms = Date.parse(time);
  return ms > 0 ? shortDuration(nowMs - ms) : '-';
}

/** Time until an RFC 3339 time: `21d`, or `expired`; `-` for none. */
export function timeLeft(time: string, nowMs: number): string {
  const ms = Date.parse(time) - nowMs;
  if (Number.isNaN(ms)) return '-';
  return ms <= 0 ? 'expired' : shortDuration(ms);
}

/** A time that something took: `6ms`, `1.2s`. */
export function tookTime(ms: number): string {
  if (ms < secondMs) return `${Math.round(ms)}ms`;
  return ms < minuteMs ? `${Number((ms / secondMs).toFixed(1))}s` : shortDuration(ms);
}

function joined(ms: number, largeMs: number, large: string, smallMs: number, small: string): string {
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)}${large}${rest === 0 ? '' : `${rest}${small}`}`;
}
