import type { BalancingPolicy } from './balancing-settings.ts';
import type { Balancer, Random } from './member.ts';
import { peakCost, type PeakLatency } from './peak-latency.ts';
import { RoundRobin } from './round-robin.ts';
import { leastRequestCost, TwoChoices } from './two-choices.ts';
import { WeightedRandom } from './weighted-random.ts';

/** What balancers know of endpoints besides their weight. */
export interface EndpointFacts<E> {
  /** Requests in flight, of all workers. */
  activeOf(endpoint: E): number;
  latencyOf(endpoint: E): PeakLatency;
  /** Monotonic; a few milliseconds late do no harm. */
  nowMs(): number;
  readonly random: Random;
}

/** Who chooses among the members that may be chosen. Keys are looked up before, and those that have none take turns. */
export function createBalancer<E>(policy: BalancingPolicy, facts: EndpointFacts<E>): Balancer<E> {
  const { random } = facts;
  const activeOf = (endpoint: E): number => facts.activeOf(endpoint);
  switch (policy) {
    case 'roundRobin':
    case 'first':
    case 'consistentHash':
      return new RoundRobin(random());
    case 'random':
      return new WeightedRandom(random);
    case 'leastRequest':
      return new TwoChoices(random, leastRequestCost(activeOf));
    case 'peakEwma': {
      const latencyOf = (endpoint: E): PeakLatency => facts.latencyOf(endpoint);
      return new TwoChoices(
        random,
        peakCost(latencyOf, activeOf, () => facts.nowMs()),
      );
    }
  }
}
