/** A cache between clients and an upstream, all in one thread and in a time of their own: every step is the test's. */

import { CacheFilter, type CacheServices, type CacheSettings } from '../cache/cache.ts';
import { CacheStore } from '../cache/cache-store.ts';
import { Flights } from '../cache/flights.ts';
import type { Answer, Filter, Refusal, ServiceAnswer } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner, outcome } from './fake-owner.ts';

export const cacheSettings: CacheSettings = {
  ttlMs: undefined,
  methods: ['GET', 'HEAD'],
  vary: [],
  queryNames: undefined,
  entryBytesMax: 1000,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  collapses: true,
};

export interface UpstreamAnswer {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
}

/** A request of the cache's own, which waits for its answer. */
interface Refreshing {
  /** Whose request brought it about. */
  readonly client: CacheClient;
  readonly fields: readonly string[];
  answer(answer: UpstreamAnswer | undefined): void;
}

export class CacheWorld implements CacheServices {
  nowMs = 1_000_000;
  readonly store = new CacheStore();
  readonly flights = new Flights(this);
  /** Of requests in the background. */
  readonly refreshing: Refreshing[] = [];
  readonly changed: string[] = [];
  readonly chain: FilterChain;
  #timers: { dueMs: number; action: () => void }[] = [];

  constructor(settings: Partial<CacheSettings> = {}, behind: readonly Filter[] = [], bytesMax = 100_000) {
    this.store.resize(bytesMax);
    this.chain = new FilterChain([
      new CacheFilter('cache', { ...cacheSettings, ...settings }, this),
      ...behind,
    ]);
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { dueMs: this.nowMs + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  canonical(target: string): { path: string; query: string | undefined } {
    const [path = '', query] = target.split('?', 2);
    return { path, query };
  }

  tellChanged({ path }: { readonly path: string }): void {
    this.changed.push(path);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.nowMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { action } of due) action();
  }

  /** The request of a client reaches the cache. */
  ask(
    path: string,
    given: Partial<Pick<FakeOwner, 'method' | 'identity' | 'isJudgedElsewhere'>> = {},
    headers: Record<string, string> = {},
  ): CacheClient {
    const client = new CacheClient(this, path, headers);
    Object.assign(client, given);
    this.chain.requestHead(client);
    return client;
  }
}

export class CacheClient extends FakeOwner {
  /** `asking`: the upstream has the request. `over`: the client has its answer, or is gone. */
  state: 'waiting' | 'asking' | 'answering' | 'over' = 'waiting';
  readonly chunks: Uint8Array[] = [];
  readonly #world: CacheWorld;

  constructor(world: CacheWorld, path: string, headers: Record<string, string>) {
    super(world.chain);
    this.#world = world;
    this.path = path;
    this.headers = new Map(Object.entries(headers));
    this.upstreamFields = ['host', 'a.test', ...Object.entries(headers).flat()];
    this.onwardAnswer = ({ fields }) =>
      new Promise<ServiceAnswer | undefined>((resolve) => {
        const answer = (given: UpstreamAnswer | undefined): void =>
          resolve(given && { ...given, body: Buffer.from(given.body) });
        world.refreshing.push({ client: this, fields, answer });
      });
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString();
  }

  header(name: string): string | undefined {
    const at = this.responseFields.findIndex(
      (field, index) => index % 2 === 0 && field.toLowerCase() === name,
    );
    return at < 0 ? undefined : this.responseFields[at + 1];
  }

  override sendRequest(): void {
    this.state = 'asking';
  }

  override replaceResponse(response: Answer | Refusal): void {
    super.replaceResponse(response);
    this.isWholeOfUpstream = false;
  }

  override sendResponse(): void {
    const { response } = this;
    this.state = 'answering';
    if (response === undefined) return;
    if (response.kind === 'answer' && this.method !== 'HEAD') this.chunks.push(response.body);
    this.end();
  }

  override forwardResponseChunk(chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  override forwardResponseEnd(): void {
    this.end();
  }

  /** The upstream's answer, all at once. */
  answer(answer: UpstreamAnswer): void {
    this.head(answer);
    if (this.state === 'answering') this.rest(answer);
  }

  head({ status, fields }: UpstreamAnswer): void {
    this.responseStatus = status;
    this.responseFields = ['date', new Date(this.#world.nowMs).toUTCString(), ...fields];
    this.chain.responseHead(this);
  }

  rest({ status, body }: UpstreamAnswer): void {
    const bytes = Buffer.from(body);
    const hasBody = this.method !== 'HEAD' && status !== 304 && bytes.length > 0;
    if (this.responsePass === undefined) {
      if (hasBody) this.chunks.push(bytes);
      this.end();
      return;
    }
    if (hasBody) this.responsePass.write(bytes);
    this.responsePass.end();
  }

  /** The upstream cannot be reached, or broke off. */
  fail(): void {
    this.isWholeOfUpstream = false;
    this.response = { kind: 'answer', status: 502, fields: [], body: Buffer.from('failed') };
    this.responseStatus = 502;
    this.responseFields = [];
    if (this.state === 'asking' || this.state === 'waiting') this.chain.responseHead(this);
    else this.end('upstream_reset');
  }

  leave(): void {
    this.end('client_closed');
  }

  end(reason?: string): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.chain.end(this, { ...outcome, reason });
  }
}

/** Everything that waits for nothing else has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}
