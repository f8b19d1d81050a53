/**
 * Why endpoints fail, in the log of the node: clients are told no more than that they do. A line for each endpoint and reason at once, and then
 * one a minute as long as it goes on: an upstream that is down must not flood the log.
 */

import type { Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';

export interface EndpointFailure {
  /** "namespace/name" */
  readonly service: string;
  /** As the Service has it: a name or an address, and a port. */
  readonly endpoint: string;
  readonly reason: string;
  /** Of the system, of TLS or of the codec. */
  readonly detail: string;
}

interface Told {
  atMs: number;
  /** Since then. */
  untold: number;
}

/** What is told at last: a failure, and how often it has happened since it was told before. */
export type TellFailure = (failure: EndpointFailure, failures: number) => void;

export function logFailures(logger: Logger): TellFailure {
  return (failure, failures) => {
    const { service, endpoint, detail } = failure;
    logger.warn({ ...failure, failures }, `${service}: ${endpoint}: ${detail}`);
  };
}

export const reportIntervalMs = 60_000;
/** Endpoints and reasons that are remembered; beyond it those go that were told first. */
const toldMax = 1000;

export class FailureReport {
  readonly #clock: Clock;
  readonly #tell: TellFailure;
  /** In the order in which they were told. */
  readonly #told = new Map<string, Told>();

  constructor(clock: Clock, tell: TellFailure) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** It has happened, so many times. */
  note(failure: EndpointFailure, times = 1): void {
    const { service, endpoint, reason } = failure;
    const key = `${service} ${endpoint} ${reason}`;
    const nowMs = this.#clock.monotonicMs();
    const told = this.#told.get(key);
    if (told !== undefined && nowMs - told.atMs < reportIntervalMs) {
      told.untold += times;
      return;
    }
    const failures = (told?.untold ?? 0) + times;
    this.#told.delete(key);
    this.#told.set(key, { atMs: nowMs, untold: 0 });
    if (this.#told.size > toldMax) this.#told.delete(this.#told.keys().next().value!);
    this.#tell(failure, failures);
  }
}
