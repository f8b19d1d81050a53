/** Text as UTF-8, one character a byte, as texts of requests are. */
export function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The other way; what is no UTF-8 becomes U+FFFD. */
export function byteText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
