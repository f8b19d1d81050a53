/** Which endpoints may get requests at this moment, and with which weights. */

import { EndpointHealth, EndpointWord } from '../../counts/endpoint-record.ts';
import { ServiceWord } from '../../counts/service-record.ts';
import type { SharedRecord } from '../../counts/shared-records.ts';
import type { BalancingSettings } from './balancing-settings.ts';
import type { Member } from './member.ts';
import { type Candidate, selectMembers, type Selection } from './select-members.ts';
import { nextWarmthMs, warmthAt } from './slow-start.ts';
import type { Standing } from './standing.ts';

/** An endpoint, as the choice sees it. */
export interface ChoiceEndpoint extends Candidate {
  readonly id: string;
  readonly record: SharedRecord;
  readonly standing: Standing;
}

/** What the selection depends on, besides endpoints. */
export interface SelectionParts {
  /** Of the Service. */
  readonly record: SharedRecord;
  /** Of this node; undefined = none. */
  readonly zone: string | undefined;
  /** Monotonic; some milliseconds late do no harm. */
  nowMs(): number;
}

/** Worked out when it has been asked for after a change: of the set, of health or ejections, of a weight that grows. */
export class CurrentSelection<E extends ChoiceEndpoint> implements Selection<E> {
  readonly #settings: BalancingSettings;
  readonly #parts: SelectionParts;
  readonly #onMembers: (members: readonly Member<E>[]) => void;
  #endpoints: readonly E[] = [];
  #now: Selection<E> = { usable: [], allowed: [], selected: [] };
  #selectedWeight = 0;
  #epoch = 0;
  /** When a weight grows next. */
  #growsAtMs = Infinity;

  /** `onMembers`: those that are selected, with the weights of the moment, whenever they may be others. */
  constructor(
    settings: BalancingSettings,
    parts: SelectionParts,
    onMembers: (members: readonly Member<E>[]) => void,
  ) {
    this.#settings = settings;
    this.#parts = parts;
    this.#onMembers = onMembers;
  }

  get usable(): readonly E[] {
    return this.#now.usable;
  }

  get allowed(): readonly E[] {
    return this.#now.allowed;
  }

  get selected(): readonly E[] {
    return this.#now.selected;
  }

  /** Of all that are selected together. */
  get selectedWeight(): number {
    return this.#selectedWeight;
  }

  /** Takes the complete list. Who joins others starts slowly, where that is wanted. */
  setEndpoints(endpoints: readonly E[]): void {
    // The first ones have nobody to spare them: they count as healthy before.
    if (this.#endpoints.length === 0) for (const { standing } of endpoints) standing.isHealthy = true;
    for (const { standing } of this.#endpoints) standing.isAllowed = standing.isSelected = false;
    this.#endpoints = endpoints;
    this.#refresh();
  }

  /** Hot path: called for every pick; nearly always nothing has changed. */
  keepCurrent(): void {
    const { record } = this.#parts;
    if (record.load(ServiceWord.epoch) !== this.#epoch || this.#hasGrown()) this.#refresh();
  }

  #hasGrown(): boolean {
    return this.#growsAtMs < Infinity && this.#parts.nowMs() >= this.#growsAtMs;
  }

  #refresh(): void {
    const { record, zone } = this.#parts;
    // Before its words are read: what changes meanwhile is seen the next time.
    this.#epoch = record.load(ServiceWord.epoch);
    const nowMs = this.#parts.nowMs();
    for (const endpoint of this.#endpoints) {
      const { standing } = endpoint;
      const isHealthy = isWell(endpoint);
      if (isHealthy && !standing.isHealthy) standing.warmSinceMs = nowMs;
      standing.isHealthy = isHealthy;
      standing.isAllowed = standing.isSelected = false;
    }
    this.#now = selectMembers(this.#endpoints, ({ standing }) => standing.isHealthy, this.#settings, zone);
    for (const { standing } of this.allowed) standing.isAllowed = true;
    for (const { standing } of this.selected) standing.isSelected = true;
    this.#selectedWeight = this.selected.reduce((sum, { weight }) => sum + weight, 0);
    this.#onMembers(this.#membersAt(nowMs));
  }

  /** Where nobody warms up, weights are what was written, so that cycles are no longer than they must be. */
  #membersAt(nowMs: number): Member<E>[] {
    const { slowStartMs } = this.#settings;
    this.#growsAtMs = Infinity;
    if (slowStartMs > 0)
      for (const { standing } of this.selected)
        this.#growsAtMs = Math.min(this.#growsAtMs, nextWarmthMs(standing.warmSinceMs, nowMs, slowStartMs));
    const isGrowing = this.#growsAtMs < Infinity;
    const warmth = ({ warmSinceMs }: Standing): number =>
      isGrowing ? warmthAt(warmSinceMs, nowMs, slowStartMs) : 1;
    return this.selected.map((endpoint) => ({
      endpoint,
      weight: endpoint.weight * warmth(endpoint.standing),
    }));
  }
}

/** What is unknown takes requests. */
function isWell({ record }: ChoiceEndpoint): boolean {
  return (
    record.load(EndpointWord.health) !== EndpointHealth.unhealthy && record.load(EndpointWord.ejected) === 0
  );
}
