/** The streams of all workers of a node. */

import { mergeStreams, type StreamList } from '../streams/live-streams.ts';
import type { StreamQuery } from '../streams/stream-query.ts';

/** A worker that ends meanwhile has none. */
export async function listStreams(
  workers: Iterable<{ listStreams(query: StreamQuery): Promise<StreamList> }>,
  query: StreamQuery,
): Promise<StreamList> {
  const asked = await Promise.allSettled(Array.from(workers, (worker) => worker.listStreams(query)));
  const answers = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  return mergeStreams(answers, query.limit);
}
