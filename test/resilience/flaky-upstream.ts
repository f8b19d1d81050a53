// An upstream that fails as it is told, and counts how often each request arrived.

import { createServer, type ServerResponse } from 'node:http';
import type { Owner } from '../kit/owner.ts';
import { listen, type Upstream } from '../kit/upstreams/listen.ts';

/** `status`: a whole answer of it. `reset`: after the request, before an answer. `hang`: never an answer. */
export type Manner = number | 'reset' | 'hang';

export interface FlakyUpstream extends Upstream {
  /** Requests so far, by target. */
  readonly counts: ReadonlyMap<string, number>;
  readonly total: number;
  /** From now on; gets the number of the request, from 0 on. */
  behave: (nth: number) => Manner;
}

export async function startFlaky(owner: Owner, behave: FlakyUpstream['behave']): Promise<FlakyUpstream> {
  const counts = new Map<string, number>();
  let total = 0;
  const server = createServer((request, response) => {
    const target = request.url ?? '';
    counts.set(target, (counts.get(target) ?? 0) + 1);
    total += 1;
    answer(response, upstream.behave(total - 1));
  });
  const upstream = {
    port: await listen(owner, server),
    counts,
    get total() {
      return total;
    },
    behave,
  };
  return upstream;
}

function answer(response: ServerResponse, manner: Manner): void {
  if (manner === 'hang') return;
  if (manner === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  response.statusCode = manner;
  response.end(`${manner}`);
}
