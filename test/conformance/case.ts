// A case is bytes for the gateway and what may come of them, at the client and at the upstream.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** MUST: the RFC or security demands it. SHOULD: the preferred answer is ours unless `deviations` says why not. POLICY: a decision. */
type Level = 'MUST' | 'SHOULD' | 'POLICY';

export interface Step {
  /** Bytes to send. */
  readonly send?: string;
  readonly sleepMs?: number;
  /** Goes on when the client has received this text, or after `ms`. */
  readonly waitFor?: string;
  readonly ms?: number;
  /** Sent again and again, every `everyMs`, for `forMs` or until the gateway ends the connection. */
  readonly trickle?: string;
  readonly everyMs?: number;
  readonly forMs?: number;
  /** Bytes from the upstream on its idle connections. */
  readonly upstreamPush?: string;
}

/** What the upstream may see: requests that arrived whole, and whether one began that did not. */
export type UpstreamSees =
  | 'none'
  | 'exactly-one-request'
  | 'two-requests'
  | 'none-or-one'
  | 'no-complete-request'
  | 'any';

/** Texts are compared without regard to case, unless they begin with `cs:`. */
export interface Expectation {
  /** Acceptable statuses of the first final response; 0 = the connection ends without one. */
  readonly status: readonly number[];
  /** The one that we want. */
  readonly prefer?: number;
  readonly upstreamSees: UpstreamSees;
  /** Whether the gateway must end the connection. */
  readonly connection?: 'close' | 'close-if-200';
  /** Final responses, exactly. */
  readonly responses?: number;
  /** True: a 200 must not look whole. False: the upstream's response must arrive whole. */
  readonly cutOff?: boolean;
  /** Bodies of the requests that arrived whole, in order. */
  readonly upstreamBodies?: readonly string[];
  readonly upstreamContains?: readonly string[];
  readonly upstreamNotContains?: readonly string[];
  readonly clientContains?: readonly string[];
  readonly clientNotContains?: readonly string[];
}

export interface Case {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  /** `request`: the upstream answers 200 with the request line that it saw. `response`: it sends `upstreamRaw`. */
  readonly kind: 'request' | 'response';
  /** What the client sends; cases without it have `steps`. */
  readonly raw?: string;
  readonly steps?: readonly Step[];
  /** Of the requests in order, where they cannot be told by their lines. */
  readonly methods?: readonly string[];
  /** The client closes its side when it has sent everything. */
  readonly halfClose?: boolean;
  /** The upstream's bytes for the n-th request; then it closes, unless `upstreamClose` is false. Nothing to send: it closes always. */
  readonly upstreamRaw?: readonly string[];
  readonly upstreamClose?: boolean;
  /** Default 12,000. */
  readonly timeoutMs?: number;
  readonly expect: Expectation;
  /** Where the rule comes from. */
  readonly source: string;
}

/** The cases of a file beside this one. Texts are latin-1, one character a byte; `{{rep:TEXT:N}}` has become TEXT N times. */
export function loadCases(file: string): readonly Case[] {
  const cases: readonly Case[] = JSON.parse(
    readFileSync(join(import.meta.dirname, 'cases', file), 'utf8'),
    (_key, value: unknown) => (typeof value === 'string' ? expand(value) : value),
  );
  return cases;
}

function expand(text: string): string {
  // The inner repetition is written rep2, so that the outer one can be told from it.
  return ['rep2', 'rep'].reduce(
    (result, name) =>
      result.replaceAll(new RegExp(`\\{\\{${name}:([^]*?):(\\d+)\\}\\}`, 'g'), (_, part: string, count) =>
        part.repeat(Number(count)),
      ),
    text,
  );
}

/** What the case sends before anything comes back. */
export function stepsOf({ raw, steps }: Case): readonly Step[] {
  return steps ?? (raw === undefined ? [] : [{ send: raw }]);
}

/** Whether the n-th request on the client's connection is HEAD, whose response has no body. */
export function isHeadRequest(each: Case, index: number): boolean {
  const sent = stepsOf(each)
    .map(({ send = '' }) => send)
    .join('');
  const lines = [...sent.matchAll(/^(\S+) \S+ HTTP\/1\.[01]\r$/gm)];
  return (each.methods ?? lines.map((line) => line[1]))[index] === 'HEAD';
}
