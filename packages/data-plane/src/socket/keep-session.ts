/**
 * Keeps the runtime from aborting the process. A stream of node:http2 whose last block of fields is not complete holds memory that its session
 * accounts for; when the collector of garbage takes the session first, an assertion about that memory fails (nodejs/node#39951 is the same with
 * another cause). A peer can bring it about at will, by a block of fields that does not end. So a session is kept until such streams are gone.
 */

import type { Http2Stream } from 'node:http2';
import { Readable } from 'node:stream';

const registry = new FinalizationRegistry<object>((session) => {
  const left = (kept.get(session) ?? 1) - 1;
  if (left === 0) kept.delete(session);
  else kept.set(session, left);
});
/** What the runtime has for sessions, with the number of streams that they wait for. */
const kept = new Map<object, number>();

/** For a stream that ends before its peer has ended it; while it still has its session. */
export function keepSessionOf(stream: Http2Stream): void {
  const session = handleOf(stream.session);
  const own = handleOf(stream);
  if (session === undefined || own === undefined) return;
  kept.set(session, (kept.get(session) ?? 0) + 1);
  registry.register(own, session);
}

interface WatchedStream extends Http2Stream {
  isEndReceived?: boolean;
}

/** Does so by itself when it must. For a stream whose end has not come with its head. */
export function watchEnd(stream: Http2Stream): void {
  stream.push = push;
}

/** Whether the peer has ended the watched stream: the runtime tells an end as well when it was reset, or its connection has ended. */
export function isEndReceived(stream: Http2Stream): boolean {
  return (stream as WatchedStream).isEndReceived === true;
}

/** An end that was sent comes before the stream is closed, one that the runtime makes up comes after. */
function push(this: WatchedStream, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null && !this.closed) this.isEndReceived = true;
  else if (chunk === null && this.isEndReceived !== true) keepSessionOf(this);
  return Readable.prototype.push.call(this, chunk, encoding);
}

/** The runtime has a property for it, but no name that others could use. */
function handleOf(owner: object | undefined): object | undefined {
  if (owner === undefined) return undefined;
  const symbol = Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'kHandle');
  return symbol === undefined ? undefined : Reflect.get(owner, symbol);
}
