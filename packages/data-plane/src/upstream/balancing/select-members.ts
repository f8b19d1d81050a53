/** Which endpoints may get requests, before anybody chooses among them. */

import type { BalancingSettings } from './balancing-settings.ts';

export interface Candidate {
  readonly weight: number;
  /** The best group is 0; only for the policy `first`. */
  readonly priority: number;
  readonly zone: string | undefined;
}

/** Each list holds those behind it. */
export interface Selection<C> {
  /** Those that can get a request. */
  readonly usable: readonly C[];
  /** Those of the best group: sessions stay with them, whatever their zone. */
  readonly allowed: readonly C[];
  /** Those that are chosen among. */
  readonly selected: readonly C[];
}

export type SelectionRule = Pick<
  BalancingSettings,
  'policy' | 'prefersZone' | 'spillPercent' | 'panicPercent'
>;

/**
 * Weight, health, group, zone, in this order. Under `panicPercent` of healthy ones health counts for nothing; a group or a zone in which
 * nobody is healthy is passed over. Nothing is selected only when nothing is usable.
 */
export function selectMembers<C extends Candidate>(
  candidates: readonly C[],
  isHealthy: (candidate: C) => boolean,
  { policy, prefersZone, spillPercent, panicPercent }: SelectionRule,
  nodeZone: string | undefined,
): Selection<C> {
  const weighted = candidates.filter(({ weight }) => weight > 0);
  const healthy = weighted.filter(isHealthy);
  const isPanic = healthy.length * 100 < panicPercent * weighted.length;
  const usable = isPanic ? weighted : healthy;
  const group = policy === 'first' ? bestGroup(usable) : undefined;
  const inGroup = ({ priority }: C): boolean => group === undefined || priority === group;
  const allowed = group === undefined ? usable : usable.filter(inGroup);
  if (!prefersZone || nodeZone === undefined) return { usable, allowed, selected: allowed };
  const near = allowed.filter(({ zone }) => zone === nodeZone);
  const nearAll = weighted.filter((candidate) => candidate.zone === nodeZone && inGroup(candidate));
  const isEnough = near.length > 0 && near.length * 100 >= spillPercent * nearAll.length;
  return { usable, allowed, selected: isEnough ? near : allowed };
}

function bestGroup(candidates: readonly Candidate[]): number {
  return candidates.reduce((best, { priority }) => Math.min(best, priority), Infinity);
}
