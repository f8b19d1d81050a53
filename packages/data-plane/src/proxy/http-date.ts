/** The value of Date fields (RFC 9110 section 5.6.7). */

let lastSecond = -1;
let lastText = '';

/** Hot path: made once a second. */
export function httpDate(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1000).toUTCString();
  }
  return lastText;
}
