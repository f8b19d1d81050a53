/** How a stream is taken back. */

import { EventEmitter, on } from 'node:events';

/**
 * A stream that is destroyed with an error of this kind is reset with CANCEL; with any other it is INTERNAL_ERROR, and `close(CANCEL)` ends the
 * request first, so that what is cut would look complete. The runtime exports no such error, but throws one here.
 */
export const canceled: Error = abortError();

function abortError(): Error {
  try {
    on(new EventEmitter(), 'nothing', { signal: AbortSignal.abort() });
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return new Error('canceled');
}
