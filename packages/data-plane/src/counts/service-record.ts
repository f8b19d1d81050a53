/** What the threads of a node know together of one Service; its key is `namespace/name`. */

import { windowWords } from './shared-window.ts';

/** Words that all of them change. */
export const ServiceWord = {
  /** One more whenever the health or the ejection of one of its endpoints has changed. */
  epoch: 0,
  /** Endpoints that are ejected. */
  ejected: 1,
  /** The state of the circuit breaker; see `circuit-breaker.ts`. */
  breaker: 2,
  /** Until when an open one refuses. */
  openUntil: 3,
  /** Of the breaker: tries, and how many of them failed. */
  breakerWindow: 4,
  /** Of the retry budget: requests, and retries. */
  budgetWindow: 4 + windowWords(2),
} as const;

const commonWords = ServiceWord.budgetWindow + windowWords(2);

/** Words of each worker. */
export const ServiceOwnWord = {
  /** Tries that are not over. */
  active: 0,
  /** Those among them that are not the first of their exchange. */
  retries: 1,
  /** Tries by which a half-open breaker finds out. */
  probing: 2,
} as const;

export const serviceLayout = {
  commonWords,
  ownWords: Object.keys(ServiceOwnWord).length,
};
