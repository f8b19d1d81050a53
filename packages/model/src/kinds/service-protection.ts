import type { z } from 'zod';
import { integer, list, object, percent, realDuration, windowDuration } from '../fields.ts';
import { statusClass } from '../status-class.ts';

/** How much more than the clients' requests an upstream may get. */
export const retryBudget = object(
  {
    percent: percent('Share of the requests in the window that may be tried again.').default(20),
    minPerSecond: integer('a number', 'So many a second may be in any case.', 0, 100_000).default(3),
    window: windowDuration.default('10s').describe('Time over which both are counted.'),
  },
  'Retries of all Routes on this Service, per node.',
).prefault({});

const failureRate = object(
  {
    percent: percent('Share of failures at which the breaker opens.').default(50),
    window: windowDuration.default('10s').describe('Time over which it is taken.'),
    minRequests: integer(
      'a number',
      'Requests in the window below which it stays closed.',
      1,
      1_000_000,
    ).default(20),
    openFor: realDuration.default('30s').describe('Then some requests are let through to see how it is.'),
    probes: integer('a number', 'So many must succeed for the breaker to close.', 1, 1000).default(3),
    statuses: list(statusClass, {
      description: 'Answers that are failures, besides connect failures, resets and timeouts.',
      max: 16,
      key: '',
    }).default(['5xx']),
  },
  'Opens when too many requests fail.',
);

/** When a Service is not asked for a while, or not by more. */
export const circuitBreaker = object(
  {
    maxRequests: integer(
      'a number',
      'Requests at the same time, per node; 0 = off. Over: 503 circuit_open.',
      0,
      10_000_000,
    ).default(0),
    maxRetries: integer(
      'a number',
      'Retries at the same time, per node; 0 = off. Over: none is made.',
      0,
      10_000_000,
    ).default(0),
    failureRate: failureRate.optional(),
  },
  'Limits beyond which requests are refused at once, 503 circuit_open. Absent: those of the pool alone.',
);

export type RetryBudget = z.output<typeof retryBudget>;
export type CircuitBreaker = z.output<typeof circuitBreaker>;
