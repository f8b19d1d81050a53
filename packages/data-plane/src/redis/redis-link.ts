/** A worker's connections to the Redis of its Gateway: one to a server, one to each primary of a cluster. */

import { type Backoff, createBackoff } from '@causeway/runtime/backoff';
import type { Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import { hashSlot } from './hash-slot.ts';
import { limitScript, limitScriptSha } from './limit-script.ts';
import { connectRedis, type RedisClient } from './redis-client.ts';
import type { RedisCounters } from './redis-counters.ts';
import { RedisLane } from './redis-lane.ts';
import type { RedisSettings } from './redis-settings.ts';

export interface RedisLinkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: RedisCounters;
}

const reconnectBaseMs = 50;
const reconnectMaxMs = 1000;
/** Who was connected for so long is connected again at once when it is lost. */
const steadyMs = 10_000;
const firstConnectMs = 2000;

/** The lane of the only server, and of a cluster of which nothing is known yet. */
const wholeLane = '';
/** Servers of a cluster that are told apart; those beyond share the lane of the whole. */
const lanesMax = 256;

export class RedisLink {
  readonly #settings: RedisSettings;
  readonly #options: RedisLinkOptions;
  /** By `host:port`, as the cluster names its servers. */
  readonly #lanes = new Map<string, RedisLane>();
  readonly #whole: RedisLane;
  readonly #settled = Promise.withResolvers<void>();
  readonly #reconnects: Backoff = createBackoff({ baseMs: reconnectBaseMs, maxMs: reconnectMaxMs });
  #client: RedisClient | undefined;
  #readySinceMs = Infinity;
  #isClosed = false;

  constructor(settings: RedisSettings, options: RedisLinkOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#whole = this.#lane(wholeLane);
    void this.#connect();
  }

  get settings(): RedisSettings {
    return this.#settings;
  }

  /** Resolves when there is a connection, or none could be made, for the first time. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Runs the script on keys that begin with the same braces, with `tag` in them; undefined: nobody is asked, or answers in time. */
  run(
    tag: string,
    keys: readonly string[],
    values: readonly number[],
  ): Promise<readonly number[] | undefined> | undefined {
    const client = this.#client;
    if (client === undefined || client.status !== 'ready') {
      this.#options.counters.count('skipped');
      return undefined;
    }
    return this.#laneOf(client, tag).ask(keys.length, () => evaluate(client, keys, values));
  }

  /** Nobody asks any more: ends when what was asked has its answer, or its deadline has passed. */
  retire(): void {
    this.#options.clock.after(2 * this.#settings.timeoutMs, () => this.close());
  }

  close(): void {
    this.#isClosed = true;
    for (const lane of this.#lanes.values()) lane.close();
    this.#client?.disconnect();
    this.#settled.resolve();
  }

  async #connect(): Promise<void> {
    const { clock } = this.#options;
    const client = await connectRedis(this.#settings, () => this.#reconnects.nextMs());
    if (this.#isClosed) return client.disconnect();
    this.#client = client;
    const lose = (why: string): void => {
      for (const lane of this.#lanes.values()) lane.fallSilent(why);
      this.#settled.resolve();
    };
    client.on('ready', () => {
      this.#readySinceMs = clock.monotonicMs();
      for (const lane of this.#lanes.values()) lane.onConnected();
      this.#settled.resolve();
    });
    client.on('error', (error: unknown) => lose(whyOf(error)));
    client.on('close', () => {
      if (clock.monotonicMs() - this.#readySinceMs > steadyMs) this.#reconnects.reset();
      this.#readySinceMs = Infinity;
      lose('the connection is lost');
    });
    clock.after(firstConnectMs, () => {
      if (client.status !== 'ready') lose(`there is no connection after ${firstConnectMs} ms`);
    });
    // Of one server of a cluster: the others go on, and its lane finds out.
    client.on('node error', () => {});
  }

  #laneOf(client: RedisClient, tag: string): RedisLane {
    if (!('slots' in client)) return this.#whole;
    const server = client.slots[hashSlot(tag)]?.[0];
    if (server === undefined) return this.#whole;
    const known = this.#lanes.get(server);
    if (known !== undefined) return known;
    return this.#lanes.size < lanesMax ? this.#lane(server) : this.#whole;
  }

  #lane(server: string): RedisLane {
    const lane = new RedisLane({
      ...this.#options,
      timeoutMs: this.#settings.timeoutMs,
      ping: () => {
        const client = this.#serverNamed(server);
        if (client === undefined && this.#client?.status === 'ready') this.#forget(server);
        if (client?.status !== 'ready') return undefined;
        // A server that refuses the database would count in another.
        const { database } = this.#settings;
        return database > 0 ? client.select(database) : client.ping();
      },
      reconnect: () => this.#serverNamed(server)?.disconnect(true),
      // The client of a cluster makes pipelines by itself, one for each server.
      stream: () =>
        this.#client !== undefined && 'stream' in this.#client ? this.#client.stream : undefined,
    });
    this.#lanes.set(server, lane);
    return lane;
  }

  /** The cluster has it no more. */
  #forget(server: string): void {
    this.#lanes.get(server)?.close();
    this.#lanes.delete(server);
  }

  #serverNamed(server: string): RedisClient | undefined {
    const client = this.#client;
    if (client === undefined || !('slots' in client) || server === wholeLane) return client;
    return client.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === server);
  }
}

/** Of servers that do not say what cluster they are of, ioredis tells what the last of them said instead. */
function whyOf(error: unknown): string {
  const last = error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : undefined;
  return last instanceof Error ? `no server tells of a cluster: ${last.message}` : messageOf(error);
}

async function evaluate(
  client: RedisClient,
  keys: readonly string[],
  values: readonly number[],
): Promise<unknown> {
  try {
    return await client.evalsha(limitScriptSha, keys.length, ...keys, ...values);
  } catch (error) {
    // It knows no scripts after a restart; who sends it once more leaves it there for all.
    if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
    return client.eval(limitScript, keys.length, ...keys, ...values);
  }
}
