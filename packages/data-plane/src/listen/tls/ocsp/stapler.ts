/** The staples of a node: which Certificates need one, and what their authorities say. On the main thread, for all workers. */

import { decodeItem, isDecodeFailure } from '@causeway/proto/compiled';
import type { Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';
import { Turns } from '@causeway/runtime/turns';

import type { SnapshotUpdate } from '../../../sync/snapshot-target.ts';
import { readStapledCertificate, type StapledCertificate } from './stapled-certificate.ts';
import { type Ask, StapleRefresh } from './staple-refresh.ts';
import type { StapleChange } from './staples.ts';

export interface StaplerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ask: Ask;
  readonly onChange: (change: StapleChange) => void;
}

/** Responders that are asked at the same time. */
export const questionsMax = 8;

interface ReadCertificate {
  readonly chain: string;
  /** A string says why there can be no staple. */
  readonly read: StapledCertificate | string;
}

export class Stapler {
  readonly #options: StaplerOptions;
  readonly #turns = new Turns(questionsMax);
  /** "namespace/name" of those that listeners with stapling show. */
  #names: ReadonlySet<string> = new Set();
  /** Of these, by name. */
  #certificates: ReadonlyMap<string, ReadCertificate> = new Map();
  /** By fingerprint. */
  readonly #refreshes = new Map<string, StapleRefresh>();
  #isStopped = false;

  constructor(options: StaplerOptions) {
    this.#options = options;
  }

  /** Those that there are, for a worker that has none yet. */
  get staples(): StapleChange[] {
    return Array.from(this.#refreshes, ([fingerprint, { staple }]) => ({ fingerprint, staple }));
  }

  /** For how many seconds each Certificate has a staple; 0 = it has none. */
  get expiry(): { certificate: string; seconds: number }[] {
    const nowMs = this.#options.clock.wallMs();
    return Array.from(this.#certificates, ([certificate, { read }]) => {
      const staple = typeof read === 'string' ? undefined : this.#refreshes.get(read.fingerprint)?.staple;
      return { certificate, seconds: staple ? Math.max(0, staple.untilMs - nowMs) / 1000 : 0 };
    });
  }

  /** The update is live. */
  follow({ items, changed, removedKeys }: SnapshotUpdate): void {
    const gateway = changed.find(({ kind }) => kind === 'gateway');
    if (gateway?.kind === 'gateway')
      this.#names = new Set(
        gateway.value.listeners.flatMap(({ tls }) => (tls?.ocspStapling ? tls.certificates : [])),
      );
    const isChanged =
      gateway !== undefined ||
      changed.some(({ kind }) => kind === 'certificate') ||
      removedKeys.some((key) => key.startsWith('certificate/'));
    if (this.#isStopped || !isChanged) return;
    const certificates = new Map<string, ReadCertificate>();
    for (const name of this.#names) {
      const chain = chainOf(name, items);
      if (chain !== undefined) certificates.set(name, this.#read(name, chain));
    }
    this.#certificates = certificates;
    this.#setRefreshes();
  }

  stop(): void {
    this.#isStopped = true;
    for (const refresh of this.#refreshes.values()) refresh.stop();
  }

  #read(name: string, chain: string): ReadCertificate {
    const before = this.#certificates.get(name);
    if (before?.chain === chain) return before;
    const read = readStapledCertificate(chain);
    if (typeof read === 'string')
      this.#options.logger.warn({ certificate: name }, `no OCSP staple for certificate ${name}: ${read}`);
    return { chain, read };
  }

  /** Two Certificates may be the same one under two names. */
  #setRefreshes(): void {
    const wanted = new Map<string, { certificate: StapledCertificate; names: string[] }>();
    for (const [name, { read }] of this.#certificates) {
      if (typeof read === 'string') continue;
      const same = wanted.get(read.fingerprint);
      if (same === undefined) wanted.set(read.fingerprint, { certificate: read, names: [name] });
      else same.names.push(name);
    }
    for (const [fingerprint, refresh] of this.#refreshes) {
      if (wanted.has(fingerprint)) continue;
      refresh.stop();
      this.#refreshes.delete(fingerprint);
      this.#options.onChange({ fingerprint, staple: undefined });
    }
    for (const [fingerprint, { certificate, names }] of wanted) {
      const known = this.#refreshes.get(fingerprint);
      if (known === undefined) this.#begin(certificate, names);
      else known.names = names;
    }
  }

  #begin(certificate: StapledCertificate, names: readonly string[]): void {
    const { fingerprint } = certificate;
    const { onChange, ...rest } = this.#options;
    const refresh = new StapleRefresh(certificate, names, {
      ...rest,
      turns: this.#turns,
      onChange: (staple) => onChange({ fingerprint, staple }),
    });
    this.#refreshes.set(fingerprint, refresh);
    refresh.start();
  }
}

function chainOf(name: string, items: SnapshotUpdate['items']): string | undefined {
  const item = items.get(`certificate/${name}`);
  const decoded = item && decodeItem(item);
  // Whoever built the table from it has refused what is not there or cannot be read.
  if (decoded === undefined || isDecodeFailure(decoded) || decoded.kind !== 'certificate') return undefined;
  return decoded.value.chain;
}
