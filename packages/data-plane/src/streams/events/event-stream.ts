/** What the node itself puts between the events of an event stream (WHATWG HTML section 9.2). */

/** A comment, which clients pass over: it shows everybody on the way that the stream lives. The same bytes each time: not to be changed. */
export const keepAliveComment = Buffer.from(':\n\n');

/** How long the client is to wait before it comes back once the stream has ended, in milliseconds; the client keeps to it from then on. */
export function retryField(delayMs: number): Buffer {
  // Digits alone: a field with anything else is passed over.
  return Buffer.from(`retry: ${Math.max(0, Math.round(delayMs))}\n\n`);
}
