/** Weighted round robin that spreads each member evenly instead of in bursts, as nginx does it. */

/** A member of a rotation; the rotation alone changes `current`. */
export interface Weighted {
  readonly weight: number;
  current: number;
}

/**
 * The next member: each one's `current` grows by its weight, the largest is taken and pays the sum of all weights. Over a full
 * cycle (the sum of the weights) every member is taken exactly `weight` times. A weight of 0 is never taken; undefined when all
 * are. Ties go to the earlier member. Cost: one pass over the members.
 * Source: nginx, ngx_http_upstream_get_peer.
 */
export function nextInRotation<M extends Weighted>(members: readonly M[]): M | undefined {
  let best: M | undefined;
  let total = 0;
  for (const member of members) {
    if (member.weight === 0) continue;
    member.current += member.weight;
    total += member.weight;
    if (best === undefined || member.current > best.current) best = member;
  }
  if (best !== undefined) best.current -= total;
  return best;
}
