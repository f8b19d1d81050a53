/** What an endpoint answers to a check, as far as it is looked at. */

import type { Readable } from 'node:stream';

import { bodyBytesMax } from './active-check.ts';

export interface CheckQuestion {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Over HTTP/2 alone. */
  readonly body?: Buffer;
}

export type CheckFields = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface CheckAnswer {
  readonly status: number;
  readonly fields: CheckFields;
  /** Its beginning; all of it where it is no longer than `bodyBytesMax`. */
  readonly body: Buffer;
  readonly trailers: CheckFields;
}

/**
 * The beginning of a body: up to `bodyBytesMax`, its end, or the abort of `signal`, whatever comes first. Bodies are read even where nobody looks at them:
 * a server that has its answer cut short complains about it in its log.
 */
export function readBeginning(body: Readable, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const end = (): void => resolve(Buffer.concat(parts).subarray(0, bodyBytesMax));
    body.on('data', (part: Buffer) => {
      bytes += part.byteLength;
      parts.push(part);
      if (bytes >= bodyBytesMax) end();
    });
    body.on('end', end);
    body.on('error', reject);
    body.on('close', () => reject(new Error('closed within its answer')));
    signal.addEventListener('abort', end, { once: true });
  });
}
