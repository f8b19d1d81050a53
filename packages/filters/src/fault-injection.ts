/** Makes a share of the requests slow, or fail, as a bad upstream would: for tests and drills. */

import { type Answer, cutsOff, type Filter, type Verdict } from './filter.ts';

export interface FaultSettings {
  /** 0 to 100, with fractions. */
  readonly percent: number;
  /** 0 = at once. */
  readonly delayMs: number;
  /** A status to answer with, or the cut of the connection; undefined: the request goes on after its delay. */
  readonly abort: number | 'reset' | undefined;
}

/** A request that waits for its fault. */
interface Waiting {
  timer: NodeJS.Timeout | undefined;
}

/** `random`: 0 up to 1. */
export function createFaultInjectionFilter(
  name: string,
  { percent, delayMs, abort }: FaultSettings,
  random: () => number,
): Filter<Waiting> {
  const verdict = verdictOf(abort);
  return {
    kind: 'faultInjection',
    name,
    createState: () => ({ timer: undefined }),
    onRequestHead(_exchange, state) {
      if (random() * 100 >= percent) return undefined;
      if (delayMs === 0) return verdict;
      return new Promise((resolve) => {
        state.timer = setTimeout(resolve, delayMs, verdict);
      });
    },
    onEnd: (_exchange, _outcome, { timer }) => clearTimeout(timer),
  };
}

function verdictOf(abort: FaultSettings['abort']): Verdict {
  if (abort === undefined) return undefined;
  if (abort === 'reset') return cutsOff;
  return { kind: 'answer', status: abort, ...contentOf(abort) };
}

/** Says who it was, where the status allows a body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5). */
function contentOf(status: number): Pick<Answer, 'fields' | 'body'> {
  if (status === 204 || status === 205 || status === 304) return { fields: [], body: new Uint8Array() };
  const body = new TextEncoder().encode('A fault that the Route injects.\n');
  return { fields: ['content-type', 'text/plain; charset=utf-8'], body };
}
