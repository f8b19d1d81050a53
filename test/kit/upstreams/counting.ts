// An upstream that counts how often each request target arrived: a request that must not be repeated names itself there.

import { createServer } from 'node:http';
import type { Owner } from '../owner.ts';
import { listen, type Upstream } from './listen.ts';

const targetsMax = 1_000_000;

export interface CountingUpstream extends Upstream {
  readonly total: number;
  /** How often a request for `target` (query included) has begun. */
  count(target: string): number;
}

/** Answers 200 and `ok` at once; throws inside the test process past 1,000,000 different targets. */
export async function startCounting(owner: Owner): Promise<CountingUpstream> {
  const counts = new Map<string, number>();
  let total = 0;
  const server = createServer((request, response) => {
    const target = request.url ?? '';
    total += 1;
    counts.set(target, (counts.get(target) ?? 0) + 1);
    if (counts.size > targetsMax) throw new Error(`more than ${targetsMax} different targets were requested`);
    request.resume();
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 2 });
    response.end('ok');
  });
  const port = await listen(owner, server);
  return {
    port,
    get total() {
      return total;
    },
    count: (target) => counts.get(target) ?? 0,
  };
}
