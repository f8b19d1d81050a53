/** An endpoint as the supervisor knows it: what its checks say, and whether it is ejected. */

import { formatListenAddress } from '@causeway/runtime/listen-address';

import {
  EndpointHealth,
  EndpointOwnWord,
  type EndpointState,
  EndpointWord,
} from '../counts/endpoint-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { type LocatedEndpoint, socketTargetOf } from '../upstream/located-endpoints.ts';
import type { CheckSchedule } from './check-schedule.ts';
import type { CheckedState } from './check-judgement.ts';
import type { KnownHealth } from './health-report.ts';
import { RecentRate } from './recent-rate.ts';
import { SuccessRate, type TryCounts } from './success-rate.ts';

/** While it gets no requests for what became of others. */
export interface Ejection {
  readonly detail: string;
  /** Monotonic. */
  readonly endMs: number;
  /** On the scale of wall time. */
  readonly sinceMs: number;
}

const healthWords: Readonly<Record<CheckedState, number>> = EndpointHealth;

export class WatchedEndpoint {
  readonly id: string;
  readonly record: SharedRecord;
  /** For people: name or address, and port. */
  readonly name: string;
  located: LocatedEndpoint;
  /** Undefined while nobody checks it. */
  schedule: CheckSchedule | undefined = undefined;
  ejection: Ejection | undefined = undefined;
  /** So many times its next ejection lasts longer. */
  ejections = 0;
  /** Since when it was not ejected, or one time was forgotten; monotonic. */
  quietSinceMs = 0;
  readonly successRate = new SuccessRate();
  readonly recent: RecentRate;
  /** What checks say. */
  checked: KnownHealth & { readonly state: CheckedState } = { state: 'unknown', detail: '', sinceMs: 0 };

  /** `nowMs`: monotonic. */
  constructor(located: LocatedEndpoint, record: SharedRecord, nowMs: number) {
    const { name, address, port } = socketTargetOf(located);
    const where = formatListenAddress({ host: name, port });
    this.id = located.id;
    this.located = located;
    this.record = record;
    this.recent = new RecentRate(this.tries, nowMs);
    this.name = name === address ? where : `${where} (${address})`;
  }

  /** Whether it is to get requests at all. */
  get hasWeight(): boolean {
    return this.located.entry.weight > 0;
  }

  /** What is to be told of it: what a check says of it goes before what requests say. */
  get health(): KnownHealth & { readonly state: EndpointState } {
    if (this.ejection === undefined || this.checked.state === 'unhealthy') return this.checked;
    return { state: 'ejected', detail: this.ejection.detail, sinceMs: this.ejection.sinceMs };
  }

  /** All workers know at once. Whether anything is new to them. */
  setChecked(state: CheckedState, detail: string, nowMs: number): boolean {
    const isNew = state !== this.checked.state;
    this.checked = { state, detail, sinceMs: isNew ? nowMs : this.checked.sinceMs };
    if (isNew) this.record.store(EndpointWord.health, healthWords[state]);
    return isNew;
  }

  /** Tries on it that are not over. */
  get active(): number {
    return this.record.sum(EndpointOwnWord.active);
  }

  /** Tries that are over. */
  get tries(): TryCounts {
    const { record } = this;
    return {
      requests: (record.sum(EndpointOwnWord.requests) - this.active) | 0,
      failures: record.sum(EndpointOwnWord.failures),
    };
  }
}
