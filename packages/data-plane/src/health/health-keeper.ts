/** Whether the endpoints of a node are fit for requests: found out on the main thread, once for all workers, which read it in shared records. */

import { randomInt } from 'node:crypto';
import type { CompiledService } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { awakeClock } from '@causeway/runtime/awake-clock';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { formatDuration } from '@causeway/runtime/duration';
import type { Logger } from '@causeway/runtime/logger';
import type { AddressResolver } from '@causeway/runtime/name-resolver';
import { Turns } from '@causeway/runtime/turns';

import type { NodeShared } from '../counts/node-shared.ts';
import { sharedNowMs } from '../counts/shared-clock.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import { readGate } from '../table/read-resilience.ts';
import { certificatesOf } from '../table/service-settings.ts';
import type { OwnPorts } from '../upstream/address-guard.ts';
import { type BreakerState, breakerStateOf } from '../upstream/circuit-breaker.ts';
import { RetryBudget } from '../upstream/retry-budget.ts';
import { checksMax } from './check-schedule.ts';
import { HealthMetrics } from './health-metrics.ts';
import { HealthReport } from './health-report.ts';
import { type Rate, rateStepMs } from './recent-rate.ts';
import { haveSameChecks, readWatchSettings } from './watch-settings.ts';
import type { WatchedEndpoint } from './watched-endpoint.ts';
import {
  type WatchContext,
  WatchedService,
  type WatchEvents,
  type WatchSettings,
} from './watched-service.ts';

export interface HealthKeeperOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** As the supervisor sees it. */
  readonly shared: NodeShared;
  readonly resolver: AddressResolver;
  /** To which no check leads. */
  readonly ownPorts: OwnPorts;
  /** A number in [0, 1), for jitter; default: a random one. */
  readonly random?: () => number;
}

/** What an endpoint carries. */
interface EndpointLoad {
  readonly id: string;
  /** Tries that are not over, of all workers. */
  readonly active: number;
  /** Of tries that are over. */
  readonly recent: Rate;
}

/** Pace at which ejected endpoints are looked at. */
export const lookMs = 250;

/** What goes on at a Service, in all workers. */
export interface ServiceLoad {
  readonly endpoints: readonly EndpointLoad[];
  /** Null: it never opens. */
  readonly breaker: BreakerState | null;
  readonly retryBudgetUsedPercent: number;
}

interface Held {
  readonly watched: WatchedService;
  readonly compiled: CompiledService;
  readonly settings: WatchSettings;
}

export class HealthKeeper {
  readonly report = new HealthReport();
  readonly metrics: HealthMetrics;
  readonly #options: HealthKeeperOptions;
  readonly #clock: Clock;
  readonly #context: WatchContext;
  /** By "namespace/name". */
  readonly #services = new Map<string, Held>();
  #cancelLook: CancelTimer = () => {};
  #rateStepEndMs = 0;
  #isStopped = false;

  constructor(options: HealthKeeperOptions) {
    const { shared, resolver, ownPorts, random = () => randomInt(2 ** 32) / 2 ** 32 } = options;
    this.#options = options;
    this.#clock = awakeClock(options.clock);
    this.metrics = new HealthMetrics(() => this.#watched());
    this.#context = {
      clock: this.#clock,
      random,
      shared,
      resolver,
      ownPorts,
      turns: new Turns(checksMax),
      events: this.#createEvents(),
    };
    this.#look();
  }

  /** The update is live. What did not change goes on as if nothing had been. */
  follow({ items, changed, removedKeys, endpoints }: SnapshotUpdate): void {
    if (this.#isStopped) return;
    for (const key of removedKeys) this.#remove(key);
    const certificates = new Set<string>();
    const services = new Map<string, CompiledService>();
    for (const { kind, value } of changed) {
      if (kind === 'certificate') certificates.add(value.name);
      else if (kind === 'service') services.set(value.name, value);
    }
    const hasNewCertificate = (service: CompiledService): boolean =>
      certificates.size > 0 && certificatesOf(service).some((name) => certificates.has(name));
    for (const { compiled } of this.#services.values())
      if (!services.has(compiled.name) && hasNewCertificate(compiled)) services.set(compiled.name, compiled);
    for (const compiled of services.values()) this.#put(compiled, items, hasNewCertificate(compiled));
    for (const [name, { watched }] of this.#services) watched.setEndpoints(endpoints.get(name));
  }

  /** What goes on at a Service. Throws an Error when there is no such Service. */
  load(service: string): ServiceLoad {
    const { watched, compiled } = this.#find(service);
    const { breaker, retryBudget } = readGate(compiled);
    return {
      endpoints: watched.endpoints.map((endpoint) => loadOf(endpoint, this.#clock.monotonicMs())),
      breaker: breaker.failureRate === undefined ? null : breakerStateOf(watched.record),
      retryBudgetUsedPercent: new RetryBudget(retryBudget, watched.record).usedPercent(sharedNowMs()),
    };
  }

  /** What all threads know of a Service. Throws an Error when there is no such Service. */
  record(service: string): SharedRecord {
    return this.#find(service).watched.record;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelLook();
    for (const { watched } of this.#services.values()) watched.close();
    this.#services.clear();
  }

  #find(service: string): Held {
    const held = this.#services.get(service);
    if (held === undefined) throw new Error(`this node has no Service ${JSON.stringify(service)}`);
    return held;
  }

  *#watched(): Generator<WatchedService, void> {
    for (const { watched } of this.#services.values()) yield watched;
  }

  #put(compiled: CompiledService, items: SnapshotUpdate['items'], hasNewCertificate: boolean): void {
    const { name } = compiled;
    const before = this.#services.get(name);
    const read = readWatchSettings(compiled, items);
    const isSame = !hasNewCertificate && before !== undefined && haveSameChecks(before.compiled, compiled);
    const settings = isSame ? { ...read, active: before.settings.active } : read;
    before?.watched.setSettings(settings);
    const watched = before?.watched ?? new WatchedService(name, settings, this.#context);
    this.#services.set(name, { watched, compiled, settings });
  }

  #remove(key: string): void {
    const [, name] = /^service\/(.*)$/.exec(key) ?? [];
    if (name === undefined) return;
    this.#services.get(name)?.watched.close();
    this.#services.delete(name);
    this.metrics.forget(name);
  }

  /** Also how the clock notices that this process was stopped for a while. */
  #look(): void {
    const now = { monotonicMs: this.#options.clock.monotonicMs(), wallMs: this.#clock.wallMs() };
    const awakeMs = this.#clock.monotonicMs();
    for (const watched of this.#watched()) watched.look(now);
    if (awakeMs >= this.#rateStepEndMs) this.#noteRates(awakeMs);
    this.#cancelLook = this.#clock.after(lookMs, () => this.#look());
  }

  #noteRates(nowMs: number): void {
    this.#rateStepEndMs = nowMs + rateStepMs;
    for (const { endpoints } of this.#watched())
      for (const { recent, tries } of endpoints) recent.note(tries, nowMs);
  }

  #createEvents(): WatchEvents {
    const { logger } = this.#options;
    const told = (service: string, { name }: WatchedEndpoint, said: string): string =>
      `${service}: ${name}: ${said}`;
    return {
      onChecked: (service, isGood) => this.metrics.onChecked(service, isGood),
      onChange: (service, endpointId, health) => this.report.note(service, endpointId, health),
      onJudged: (service, endpoint) => {
        const { state, detail } = endpoint.checked;
        const fields = { service, endpoint: endpoint.name, state, detail };
        if (state === 'unhealthy') logger.warn(fields, told(service, endpoint, `unhealthy: ${detail}`));
        else logger.info(fields, told(service, endpoint, state));
      },
      onEjected: (service, endpoint, reason, forMs) => {
        this.metrics.onEjected(service, reason);
        const detail = endpoint.ejection?.detail;
        const fields = { service, endpoint: endpoint.name, state: 'ejected', reason, detail, forMs };
        logger.warn(fields, told(service, endpoint, `ejected for ${formatDuration(forMs)}: ${detail}`));
      },
      onReadmitted: (service, endpoint) => {
        const fields = { service, endpoint: endpoint.name, state: endpoint.checked.state };
        logger.info(fields, told(service, endpoint, 'gets requests again'));
      },
    };
  }
}

function loadOf({ id, active, tries, recent }: WatchedEndpoint, nowMs: number): EndpointLoad {
  return { id, active, recent: recent.at(tries, nowMs) };
}
