/** What becomes of answers of the upstream: kept, confirmed, or renewed in the background. */

import { fieldValue, removeField } from '../fields.ts';
import type { FilterExchange, ServiceAnswer } from '../filter.ts';
import type { AnswerToStore, CacheStore, Fill, StoredAnswer } from './cache-store.ts';
import { type FreshnessSettings, judgeAnswer, type Terms, validatorOf } from './storage-rules.ts';
import { freshenedFields, storedFields } from './use-rules.ts';
import type { Visit } from './visit.ts';

interface KeeperSettings extends FreshnessSettings {
  readonly entryBytesMax: number;
}

interface KeeperServices {
  readonly store: CacheStore;
  monotonicMs(): number;
  wallMs(): number;
}

/** As far as it is known by its head. */
interface Head {
  readonly status: number;
  readonly fields: readonly string[];
}

/** A 304. */
interface Confirmation {
  readonly fields: readonly string[];
  /** When it was asked for. */
  readonly sentMs: number;
  /** What it confirms stays stored, if it may. */
  readonly keeps: boolean;
}

/** A stored answer that is asked about in the background. */
interface Refresh {
  readonly visit: Visit;
  readonly stored: StoredAnswer;
  readonly fill: Fill;
  readonly sentMs: number;
  /** With a condition. */
  readonly isConfirming: boolean;
}

/** What a client is given. */
export type GivenAnswer = Pick<StoredAnswer, 'status' | 'fields' | 'body' | 'terms' | 'receivedMs'>;

/** After a failure an upstream is not asked again for so long, where stale answers may stand in. */
const failedMs = 1000;

export class AnswerKeeper {
  readonly #settings: KeeperSettings;
  readonly #services: KeeperServices;

  constructor(settings: KeeperSettings, services: KeeperServices) {
    this.#settings = settings;
    this.#services = services;
  }

  /** The terms on which the answer is stored, or why it is not. */
  judge(visit: Visit, { status, fields }: Head, sentMs: number): Terms | string {
    const delayMs = this.#nowMs - sentMs;
    const answer = { status, fields, receivedWallMs: this.#services.wallMs(), delayMs };
    const terms = judgeAnswer(answer, visit.facts, this.#settings);
    return typeof terms !== 'string' && visit.hasLookalike(terms.vary) ? 'vary' : terms;
  }

  answerOf(visit: Visit, terms: Terms, { status, fields }: Head): Omit<AnswerToStore, 'body'> {
    return {
      key: terms.isShared ? visit.key : visit.ownKey,
      place: visit.place!,
      selected: terms.vary.map(visit.select),
      terms,
      status,
      fields: storedFields(fields),
      receivedMs: this.#nowMs,
    };
  }

  /** The stored answer with what its confirmation says (RFC 9111 section 4.3.4). */
  freshen(
    visit: Visit,
    stale: StoredAnswer,
    { fields: confirmed, sentMs, keeps }: Confirmation,
  ): GivenAnswer {
    const { store } = this.#services;
    const { status, body } = stale;
    const fields = freshenedFields(stale.fields, confirmed);
    const terms = this.judge(visit, { status, fields }, sentMs);
    const isStored = keeps && !stale.isGone;
    store.remove(stale);
    if (typeof terms === 'string') return { ...stale, fields, receivedMs: this.#nowMs };
    const answer = { ...this.answerOf(visit, terms, { status, fields }), body };
    if (isStored) store.put(answer);
    return answer;
  }

  /** Asks about it while the client has it already; one at a time. */
  refresh(exchange: FilterExchange, visit: Visit, stored: StoredAnswer): void {
    const { store } = this.#services;
    const sentMs = this.#nowMs;
    if (stored.isRefreshing || sentMs < stored.standsInUntilMs) return;
    stored.isRefreshing = true;
    visit.keepFields();
    const fields = exchange.upstreamFields.slice();
    setConditions(fields, stored);
    const isConfirming = validatorOf(stored.fields) !== undefined;
    const fill = { place: visit.place!, isSpoilt: false };
    store.enter(fill);
    const { entryBytesMax: bodyBytesMax } = this.#settings;
    const asked = exchange.askOnward({ fields, bodyBytesMax });
    void this.#takeRefreshed(asked, { visit, stored, fill, sentMs, isConfirming });
  }

  async #takeRefreshed(
    asked: Promise<ServiceAnswer | undefined>,
    { visit, stored, fill, sentMs, isConfirming }: Refresh,
  ): Promise<void> {
    const answer = await asked;
    const { store } = this.#services;
    stored.isRefreshing = false;
    store.leave(fill);
    if (answer === undefined || isFailure(answer.status)) return noteFailure(stored, this.#nowMs);
    if (fill.isSpoilt || stored.isGone) return;
    if (answer.status === 304 && isConfirming)
      return void this.freshen(visit, stored, { fields: answer.fields, sentMs, keeps: true });
    const terms = this.judge(visit, answer, sentMs);
    store.remove(stored);
    if (typeof terms !== 'string') store.put({ ...this.answerOf(visit, terms, answer), body: answer.body });
  }

  get #nowMs(): number {
    return this.#services.monotonicMs();
  }
}

/** RFC 9111 section 4.2.3. */
export function ageOf(
  { terms, receivedMs }: Pick<StoredAnswer, 'terms' | 'receivedMs'>,
  nowMs: number,
): number {
  return terms.initialAgeMs + nowMs - receivedMs;
}

/** RFC 5861 section 4. */
export function isFailure(status: number): boolean {
  return status === 500 || (status >= 502 && status <= 504);
}

export function noteFailure(stored: StoredAnswer, nowMs: number): void {
  stored.standsInUntilMs = nowMs + failedMs;
}

/** Asks whether the stored answer still stands, in place of what the client has asked. */
export function setConditions(fields: string[], { fields: stored }: StoredAnswer): void {
  for (const name of ['if-none-match', 'if-modified-since']) removeField(fields, name);
  const etag = fieldValue(stored, 'etag');
  const modified = fieldValue(stored, 'last-modified');
  if (etag !== undefined) fields.push('if-none-match', etag);
  if (modified !== undefined) fields.push('if-modified-since', modified);
}
