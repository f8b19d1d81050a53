/** Weighted choice by a key among a few, in which a weight that is raised takes keys and gives none away. */

import { textHash } from '@causeway/runtime/text-hash';

/** One of those that are chosen among. */
export interface Contender {
  readonly weight: number;
  /** Of its name, as `contenderSeed` makes it. */
  readonly seed: number;
}

export function contenderSeed(name: string): number {
  return textHash(name, 0);
}

/**
 * The contender with the highest score: of each weight / -ln(hash), with a hash in (0, 1) of key and name, so that shares are those of the
 * weights and a score depends on nobody else. Undefined when all weights are 0. Cost: a look at each.
 * Source: Weighted distributed hash tables (Schindelhauer, Schomaker, 2005), the logarithmic method.
 */
export function highestScore<C extends Contender>(key: string, contenders: readonly C[]): C | undefined {
  let best: C | undefined;
  let bestScore = 0;
  for (const contender of contenders) {
    if (contender.weight === 0) continue;
    const hash = ((textHash(key, contender.seed) >>> 0) + 0.5) / 2 ** 32;
    const score = contender.weight / -Math.log(hash);
    if (score <= bestScore) continue;
    best = contender;
    bestScore = score;
  }
  return best;
}
