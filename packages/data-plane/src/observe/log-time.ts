/** Times as text for log lines; the part down to the second is the same for thousands of them and made once. */

let isoSecond = Number.NaN;
let isoText = '';
let clfSecond = Number.NaN;
let clfText = '';

const zuluFractions = Array.from({ length: 1000 }, (_, ms) => `.${String(ms).padStart(3, '0')}Z`);

/** ISO 8601 in UTC, with milliseconds. */
export function isoTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== isoSecond) {
    isoSecond = second;
    isoText = new Date(second * 1000).toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length);
  }
  return isoText + zuluFractions[Math.floor(wallMs) - second * 1000];
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `23/Nov/2026:04:10:00 +0000` */
export function clfTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== clfSecond) {
    clfSecond = second;
    const iso = new Date(second * 1000).toISOString();
    const month = months[Number(iso.slice(5, 7)) - 1]!;
    clfText = `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
  }
  return clfText;
}
