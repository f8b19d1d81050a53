/** Addresses of host names, kept fresh: whoever needs them is told when they change, and never waits for a resolver. */

import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from './clock.ts';
import { type AddressRecord, type DnsFunctions, systemDns } from './dns-functions.ts';
import { Turns } from './turns.ts';
import { type Answer, type OnAddresses, WatchedName } from './watched-name.ts';

export interface NameResolverOptions {
  readonly clock: Clock;
  /** Default: those of the system. */
  readonly dns?: DnsFunctions;
  /** How long the last addresses are kept when nobody confirms them, milliseconds, at least `staleMsMin`; default an hour. */
  readonly staleMs?: number;
  /** A number in [0, 1), for jitter. */
  readonly random?: () => number;
}

/** Names are asked for again when the TTL of their records is over, but not more often and not less often than this. */
export const refreshMsMin = 1000;
export const refreshMsMax = 300_000;
/** What the system's resolver says has no TTL. */
const systemRefreshMs = 30_000;
/** At the latest after a failure, or where there was no such name. */
export const retryMsMax = 5000;
/** Up to a fifth earlier, so that names which came together do not stay together. */
const jitterShare = 0.2;
export const staleMsMin = 300_000;
const staleMsDefault = 3_600_000;
/** Addresses of one name and family; of more, those that come first in the order of their text. */
export const addressesMax = 256;
/** Names that name servers are asked for at the same time. */
export const queriesMax = 32;
/** A query that takes longer has failed, and its turn is over. */
export const queryDeadlineMs = 15_000;

/** RFC 6761 section 6.3: no name server is asked for these. */
const ofThisMachine = /(^|\.)localhost$/;

/** Whoever knows addresses of names. */
export interface AddressResolver {
  /**
   * Tells `onChange` the addresses, or that there are none, once that is known, and again whenever it changes; never
   * during this call. An IP address is its own address. Calling the result ends the watch.
   */
  watch(name: string, onChange: OnAddresses): () => void;
  /** Ends every watch. */
  close(): void;
}

/**
 * Watches names. Name servers are asked first; a name that they do not know (it stands in the hosts file, or needs the
 * search list) is looked up by the system, one at a time.
 */
export class NameResolver implements AddressResolver {
  readonly #clock: Clock;
  readonly #dns: DnsFunctions;
  readonly #staleMs: number;
  readonly #random: () => number;
  readonly #names = new Map<string, WatchedName>();
  readonly #queries = new Turns(queriesMax);
  readonly #systemLookups = new Turns(1);
  #lookups = 0;
  #failures = 0;

  constructor(options: NameResolverOptions) {
    this.#clock = options.clock;
    this.#dns = options.dns ?? systemDns();
    this.#staleMs = Math.max(staleMsMin, options.staleMs ?? staleMsDefault);
    this.#random = options.random ?? (() => randomInt(2 ** 32) / 2 ** 32);
  }

  /** How many times a name was asked for. */
  get lookups(): number {
    return this.#lookups;
  }

  /** How many of these gave no address. */
  get failures(): number {
    return this.#failures;
  }

  /** How many names are watched; whoever watches bounds them. */
  get names(): number {
    return this.#names.size;
  }

  watch(name: string, onChange: OnAddresses): () => void {
    const key = name.toLowerCase();
    const known = this.#names.get(key);
    const watched = known ?? new WatchedName(key);
    if (!known) this.#begin(watched);
    const remove = watched.add(onChange);
    return () => {
      remove();
      if (!watched.isWatched) this.#end(watched);
    };
  }

  close(): void {
    for (const watched of this.#names.values()) this.#end(watched);
  }

  #begin(watched: WatchedName): void {
    const { name } = watched;
    this.#names.set(name, watched);
    if (isIP(name) === 0) {
      void this.#refresh(watched);
      return;
    }
    watched.learn({ v4: [name], v6: undefined, ttlMs: undefined }, Number.POSITIVE_INFINITY);
    watched.settle(this.#clock.monotonicMs());
  }

  #end(watched: WatchedName): void {
    watched.end();
    if (this.#names.get(watched.name) === watched) this.#names.delete(watched.name);
  }

  async #refresh(watched: WatchedName): Promise<void> {
    this.#lookups += 1;
    const answer = await this.#ask(watched);
    if (answer === undefined) this.#failures += 1;
    if (this.#names.get(watched.name) !== watched) return;
    const nowMs = this.#clock.monotonicMs();
    if (answer) watched.learn(answer, nowMs + this.#staleMs);
    watched.cancelTimer = this.#clock.after(this.#pauseMs(answer), () => void this.#refresh(watched));
    watched.settle(nowMs);
  }

  #pauseMs(answer: Answer | undefined): number {
    const jitter = 1 - jitterShare * this.#random();
    if (answer === undefined) return retryMsMax * jitter;
    const wantedMs = Math.min(refreshMsMax, answer.ttlMs ?? systemRefreshMs);
    return Math.max(refreshMsMin, wantedMs * jitter);
  }

  /** Undefined when nobody knows an address. */
  async #ask(watched: WatchedName): Promise<Answer | undefined> {
    if (watched.source !== 'system' && !ofThisMachine.test(watched.name)) {
      const answer = await this.#queries.run(() => this.#query(watched.name));
      if (typeof answer === 'object') {
        watched.source = 'servers';
        return answer;
      }
      // They knew the name and are silent now: the system could only ask them too, on a thread that others need.
      if (answer === 'failed' && watched.source === 'servers') return undefined;
    }
    const addresses = await this.#systemLookups.run(() => this.#lookUp(watched.name));
    watched.source = addresses.length === 0 ? undefined : 'system';
    return addresses.length === 0 ? undefined : systemAnswer(addresses);
  }

  async #query(name: string): Promise<Answer | 'nothing' | 'failed'> {
    const [v4, v6] = await Promise.all([this.#records(name, 4), this.#records(name, 6)]);
    const records = [...(v4 ?? []), ...(v6 ?? [])];
    if (records.length === 0) return v4 && v6 ? 'nothing' : 'failed';
    const ttlMs = Math.min(...records.map(({ ttlSeconds }) => ttlSeconds)) * 1000;
    return { v4: v4 && bounded(v4), v6: v6 && bounded(v6), ttlMs };
  }

  /** Undefined when no answer came, or none in time: a late one is not waited for. */
  #records(name: string, family: 4 | 6): Promise<readonly AddressRecord[] | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(queryDeadlineMs, () => resolve(undefined));
      this.#dns.query(name, family).then(
        (records) => (cancel(), resolve(records)),
        () => (cancel(), resolve(undefined)),
      );
    });
  }

  async #lookUp(name: string): Promise<readonly string[]> {
    try {
      return await this.#dns.lookup(name);
    } catch {
      // No address, whatever the reason: the failure is counted and the name asked for again.
      return [];
    }
  }
}

function systemAnswer(addresses: readonly string[]): Answer {
  const records = addresses.map((address) => ({ address, ttlSeconds: 0 }));
  const of = (family: 4 | 6) => bounded(records.filter(({ address }) => isIP(address) === family));
  return { v4: of(4), v6: of(6), ttlMs: undefined };
}

/** Sorted, so that all who ask choose the same ones and a resolver that rotates its answers changes nothing. */
function bounded(records: readonly AddressRecord[]): readonly string[] {
  const addresses = new Set(records.map(({ address }) => address));
  return [...addresses].toSorted().slice(0, addressesMax);
}
