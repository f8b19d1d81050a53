/** What a trusted proxy may call a request: visible ASCII, so that it is safe in headers and logs, and bounded. */
export function isAcceptableRequestId(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text) && !/["\\]/.test(text);
}
