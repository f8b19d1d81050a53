import type { CounterCell, HistogramCell } from '@causeway/runtime/metric-cells';
import { MetricRegistry } from '@causeway/runtime/metrics';

/** What became of a question: skipped ones were not asked, for Redis had not answered others, or too many were waiting. */
export const redisResults = ['answered', 'late', 'failed', 'skipped'] as const;
export type RedisResult = (typeof redisResults)[number];

const roundTripBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** What a worker counts of its Redis. */
export class RedisCounters {
  readonly registry = new MetricRegistry();
  readonly #requests = this.registry.counter({
    name: 'causeway_redis_requests_total',
    help: 'Questions to the Redis of the Gateway, by what became of them: answered, late (not within its timeout), failed, skipped (nobody was asked).',
    labelNames: ['result'],
  });
  readonly #cells: Record<RedisResult, CounterCell>;
  readonly roundTrip: HistogramCell = this.registry
    .histogram({
      name: 'causeway_redis_duration_seconds',
      help: 'Round trips to the Redis of the Gateway that ended with an answer.',
      buckets: roundTripBuckets,
    })
    .cell({});
  readonly quotasUncounted = this.registry
    .counter({
      name: 'causeway_quota_uncounted_requests_total',
      help: 'Requests of Consumers with quotas that passed uncounted, because Redis did not answer.',
    })
    .cell({});
  /** Servers that this worker does not ask. */
  readonly circuitOpen = this.registry
    .gauge({
      name: 'causeway_redis_circuit_open',
      help: 'Connections to servers of Redis, over all workers, on which nothing is asked because nobody answers.',
    })
    .cell({});

  constructor() {
    const cell = (result: RedisResult): CounterCell => this.#requests.cell({ result });
    this.#cells = {
      answered: cell('answered'),
      late: cell('late'),
      failed: cell('failed'),
      skipped: cell('skipped'),
    };
  }

  count(result: RedisResult): void {
    this.#cells[result].add(1);
  }
}
