// What a client's connection brought: responses one after the other, the last of which may be cut off.

import { parseResponse, parseResponseHead, type RawResponse } from '../kit/raw-response.ts';

export interface ReceivedResponses {
  /** Statuses of the informational responses. */
  readonly informational: readonly number[];
  /** Final responses that are whole, and the last one also when it is cut off. */
  readonly finals: readonly Pick<RawResponse, 'status' | 'headers' | 'body'>[];
  /** The last final response lacks its end. */
  readonly isCutOff: boolean;
  /** Why the bytes are no HTTP; nothing behind that place is read. */
  readonly fault: string | undefined;
  /** `fault` is set, or bytes are there that are no whole head though no more can come. */
  readonly isBroken: boolean;
}

export interface ReadOptions {
  /** Whether the n-th request was HEAD. */
  readonly isHead: (index: number) => boolean;
  /** No more bytes will come. */
  readonly ended: boolean;
}

export function readResponses(received: Buffer, { isHead, ended }: ReadOptions): ReceivedResponses {
  const informational: number[] = [];
  const finals: Pick<RawResponse, 'status' | 'headers' | 'body'>[] = [];
  let rest = received;
  try {
    for (;;) {
      const parsed = parseResponse(rest, { head: isHead(finals.length), ended });
      if (parsed === undefined) break;
      rest = rest.subarray(parsed.bytesUsed);
      const { response } = parsed;
      if (response.status < 200) informational.push(response.status);
      else finals.push(response);
    }
    const head = parseResponseHead(rest);
    if (head === undefined)
      return { informational, finals, isCutOff: false, fault: undefined, isBroken: ended && rest.length > 0 };
    finals.push({ ...head, body: rest.subarray(head.end) });
    return { informational, finals, isCutOff: true, fault: undefined, isBroken: false };
  } catch (error) {
    return { informational, finals, isCutOff: false, fault: String(error), isBroken: true };
  }
}
