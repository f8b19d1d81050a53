/** What a node as a whole counts: how it stands with its configuration. */

import type { GaugeCell } from '@causeway/runtime/metric-cells';
import { MetricRegistry } from '@causeway/runtime/metrics';

/** Read at each scrape. */
export interface ConfigGauges {
  readonly appliedRevision: number;
  readonly desiredRevision: number;
  readonly rejectedTotal: number;
  /** Since the stream of the control plane ended, 0 while it is there; undefined before the first time. */
  readonly stalenessSeconds: number | undefined;
  readonly workers: number;
  readonly stapleExpiry: readonly { readonly certificate: string; readonly seconds: number }[];
}

export class ConfigMetrics {
  readonly registry = new MetricRegistry();
  readonly #applySeconds = this.registry
    .histogram({ name: 'causeway_config_apply_seconds', help: 'From an update to its live tables.' })
    .cell({});
  readonly #replaced = this.registry.counter({
    name: 'causeway_worker_restarts_total',
    help: 'Workers that have ended and were replaced, by the reason.',
    labelNames: ['reason'],
  });

  constructor(gauges: () => ConfigGauges) {
    const gauge = (name: string, help: string): GaugeCell => this.registry.gauge({ name, help }).cell({});
    const applied = gauge('causeway_config_applied_revision', 'Revision that this node serves.');
    const desired = gauge('causeway_config_desired_revision', 'Newest revision that this node was sent.');
    const rejected = this.registry
      .counter({ name: 'causeway_config_rejected_total', help: 'Updates that this node refused.' })
      .cell({}) as GaugeCell;
    const staleness = gauge(
      'causeway_config_staleness_seconds',
      'Since the stream of the control plane ended, 0 while it is there; -1 before the first time.',
    );
    const workers = gauge('causeway_workers', 'Threads that proxy.');
    const staples = this.registry.gauge({
      name: 'causeway_ocsp_staple_expiry_seconds',
      help: 'How long the OCSP staple of a Certificate is still valid, where a listener wants one; 0 = there is none.',
      labelNames: ['certificate'],
    });
    const shown = new Set<string>();
    this.registry.onCollect(() => {
      const now = gauges();
      applied.set(now.appliedRevision);
      desired.set(now.desiredRevision);
      rejected.set(now.rejectedTotal);
      staleness.set(now.stalenessSeconds ?? -1);
      workers.set(now.workers);
      for (const certificate of shown) staples.remove({ certificate });
      shown.clear();
      for (const { certificate, seconds } of now.stapleExpiry) {
        staples.cell({ certificate }).set(seconds);
        shown.add(certificate);
      }
    });
  }

  onWorkerReplaced(reason: string): void {
    this.#replaced.cell({ reason }).add(1);
  }

  onApplied(tookMs: number): void {
    this.#applySeconds.observe(tookMs / 1000);
  }
}
