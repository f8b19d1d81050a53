/** Text as UTF-8, one character a byte, as texts of requests are. */
export function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
