/** The keys of all issuers that a node needs: fetched off the request path, on the main thread, for all workers. */

import type { KeySetChange } from '@causeway/filters/jwt/key-sets';
import { decodeItem, isDecodeFailure } from '@causeway/proto/compiled';
import type { Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';
import { Turns } from '@causeway/runtime/turns';

import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import type { AskLimits } from '../upstream/ask-url.ts';
import { fetchKeys } from './fetch-keys.ts';
import type { KeptKeys } from './kept-keys.ts';
import { KeyRefresh } from './key-refresh.ts';
import { type KeySource, keySourceOf } from './key-source.ts';

export interface KeyKeeperOptions extends Pick<AskLimits, 'resolver' | 'ownPorts'> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: (change: KeySetChange) => void;
  /** Keys of an earlier run; absent: none are kept. */
  readonly kept: KeptKeys | undefined;
}

/** Issuers that are asked at the same time. */
const fetchesMax = 8;
/** An update waits no longer for first keys. */
const firstMsMax = 2000;

export class KeyKeeper {
  readonly #options: KeyKeeperOptions;
  readonly #turns = new Turns(fetchesMax);
  readonly #refreshes = new Map<string, KeyRefresh>();
  #items: SnapshotUpdate['items'] | undefined;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
  }

  /** Those that there are, for a worker that has none yet. */
  get keySets(): KeySetChange[] {
    return Array.from(this.#refreshes.values()).flatMap(({ source, keys }) =>
      keys === undefined ? [] : [{ source: source.id, jwks: keys }],
    );
  }

  /** Resolves when the keys of new issuers are there, or cannot be had soon: so that no good token is refused for want of them. */
  async prepare({ items, changed, removedKeys }: SnapshotUpdate): Promise<void> {
    this.#items = items;
    for (const key of removedKeys)
      if (key.startsWith('authprovider/')) this.#forget(key.slice('authprovider/'.length));
    const first = changed.flatMap((compiled) => {
      if (compiled.kind !== 'authprovider') return [];
      return this.#follow(compiled.value.name, keySourceOf(compiled.value));
    });
    if (first.length === 0) return;
    const giveUp = new AbortController();
    const late = this.#options.clock.sleep(firstMsMax, giveUp.signal).catch(() => {});
    await Promise.race([Promise.all(first), late]);
    giveUp.abort();
  }

  /** A token names a key that is not known; resolves when newer ones are there, or will not be for now. */
  async refresh(source: string): Promise<void> {
    await this.#refreshes.get(source)?.refresh();
  }

  stop(): void {
    for (const refresh of this.#refreshes.values()) refresh.stop();
  }

  #follow(provider: string, source: KeySource | undefined): Promise<void>[] {
    const known = Array.from(this.#refreshes.values()).find((each) => each.source.provider === provider);
    if (known !== undefined && JSON.stringify(known.source) === JSON.stringify(source)) return [];
    const keys = known !== undefined && known.source.id === source?.id ? known.keys : undefined;
    this.#forget(provider);
    if (source === undefined) return [];
    const { clock, logger, kept, onChange } = this.#options;
    const refresh = new KeyRefresh(source, {
      clock,
      logger,
      kept: keys ?? kept?.read(source.id),
      fetch: (from, signal) => this.#turns.run(() => this.#fetch(from, signal)),
      onKeys: (jwks) => {
        onChange({ source: source.id, jwks });
        kept?.save(this.keySets);
      },
    });
    this.#refreshes.set(source.id, refresh);
    if (refresh.keys !== undefined) onChange({ source: source.id, jwks: refresh.keys });
    const fetched = refresh.fetch();
    return refresh.keys === undefined ? [fetched] : [];
  }

  async #fetch(source: KeySource, signal: AbortSignal): Promise<string> {
    const { resolver, ownPorts } = this.#options;
    const ca = source.trust.flatMap((name) => this.#chainOf(name) ?? []);
    // Without the Certificates that are to be trusted nobody is.
    if (ca.length < source.trust.length) throw new Error('a Certificate that is to be trusted is not there');
    return fetchKeys(source, ca, { resolver, ownPorts, signal });
  }

  #chainOf(name: string): string | undefined {
    const item = this.#items?.get(`certificate/${name}`);
    const decoded = item && decodeItem(item);
    if (decoded === undefined || isDecodeFailure(decoded) || decoded.kind !== 'certificate') return undefined;
    return decoded.value.chain;
  }

  #forget(provider: string): void {
    for (const [id, refresh] of this.#refreshes) {
      if (refresh.source.provider !== provider) continue;
      refresh.stop();
      this.#refreshes.delete(id);
    }
  }
}
