/** The client of one OpenID provider: its metadata, and its token endpoint. */

import { hash } from 'node:crypto';
import type { GrantedTokens, ProviderAnswer, ProviderQuestion } from '@causeway/filters/oidc/provider';
import type { CompiledAuthProvider } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import { safeUrl } from '../keys/fetch-keys.ts';
import { type AskLimits, askUrl, RefusedQuestion } from '../upstream/ask-url.ts';
import { type ProviderMetadata, readMetadata, readTokens, tokenRequest } from './provider-messages.ts';

export interface ProviderClientOptions extends Pick<AskLimits, 'resolver' | 'ownPorts'> {
  readonly clock: Clock;
  readonly logger: Logger;
}

const bytesMax = 256 * 1024;
/** Questions at a time of each sort: logins, which anybody can begin, keep nobody from refreshing. */
const questionsMax = 50;
/** After a failure nobody waits for the same again. */
const pauseMs = 1000;
/** A refresh token is good once, and all requests of a page that were sent with it are to get what it brought. */
const keptMs = 60_000;
const keptMax = 10_000;
const reportIntervalMs = 60_000;

interface KeptRefresh {
  readonly answer: Promise<ProviderAnswer>;
  readonly sinceMs: number;
}

type CodeQuestion = Extract<ProviderQuestion, { readonly ask: 'code' }>;
type TokenParameters = Readonly<Record<string, string>> & {
  readonly grant_type: 'authorization_code' | 'refresh_token';
};

const unavailable: ProviderAnswer = { fault: 'unavailable' };

export class ProviderClient {
  readonly #provider: CompiledAuthProvider;
  readonly #trust: () => readonly string[];
  readonly #options: ProviderClientOptions;
  readonly #ended = new AbortController();
  /** By the digest of the refresh token, oldest first. */
  readonly #refreshes = new Map<string, KeptRefresh>();
  #metadata: ProviderMetadata | undefined;
  #metadataMs = -Infinity;
  #failedMs = -Infinity;
  #fetching: Promise<ProviderMetadata | undefined> | undefined;
  readonly #exchanges = new Map<string, Promise<ProviderAnswer>>();
  readonly #questions = { authorization_code: 0, refresh_token: 0 };
  #toldMs = -Infinity;

  /** `trust`: PEM of those who may have signed its certificate, empty = those of the system; throws where they are not there. */
  constructor(
    provider: CompiledAuthProvider,
    trust: () => readonly string[],
    options: ProviderClientOptions,
  ) {
    this.#provider = provider;
    this.#trust = trust;
    this.#options = options;
  }

  stop(): void {
    this.#ended.abort();
  }

  async ask(question: ProviderQuestion): Promise<ProviderAnswer> {
    switch (question.ask) {
      case 'endpoints': {
        const metadata = await this.#current();
        if (metadata === undefined) return unavailable;
        const { authorization, endSession } = metadata;
        return { endpoints: { authorization, endSession } };
      }
      case 'code':
        return this.#exchange(question);
      case 'refresh':
        return this.#refresh(question.refreshToken);
    }
  }

  /** Each attempt has its own verifier, and one exchange at a time, whatever codes come with it. */
  #exchange({ code, codeVerifier, redirectUri }: CodeQuestion): Promise<ProviderAnswer> {
    const running = this.#exchanges.get(codeVerifier);
    if (running !== undefined) return running;
    const answer = this.#askTokens({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: codeVerifier,
    }).finally(() => this.#exchanges.delete(codeVerifier));
    this.#exchanges.set(codeVerifier, answer);
    return answer;
  }

  #refresh(refreshToken: string): Promise<ProviderAnswer> {
    const key = hash('sha256', refreshToken, 'base64url');
    const nowMs = this.#options.clock.monotonicMs();
    for (const [each, { sinceMs }] of this.#refreshes) {
      if (nowMs - sinceMs < keptMs && this.#refreshes.size < keptMax) break;
      this.#refreshes.delete(each);
    }
    const known = this.#refreshes.get(key);
    if (known !== undefined) return known.answer;
    const answer = this.#askRefresh(key, refreshToken);
    this.#refreshes.set(key, { answer, sinceMs: nowMs });
    return answer;
  }

  async #askRefresh(key: string, refreshToken: string): Promise<ProviderAnswer> {
    const answer = await this.#askTokens({ grant_type: 'refresh_token', refresh_token: refreshToken });
    // Next time it may be there again.
    if ('fault' in answer && answer.fault === 'unavailable') this.#refreshes.delete(key);
    return answer;
  }

  async #askTokens(parameters: TokenParameters): Promise<ProviderAnswer> {
    const metadata = await this.#current();
    const grant = parameters.grant_type;
    if (metadata === undefined || this.#questions[grant] >= questionsMax) return unavailable;
    this.#questions[grant] += 1;
    try {
      const { clientId, clientSecret } = this.#provider;
      const { headers, body } = tokenRequest(parameters, metadata, clientId, clientSecret);
      const question = { method: 'POST' as const, headers, body, ca: this.#trust() };
      const answer = await askUrl(safeUrl(metadata.token), question, this.#limits);
      return { tokens: readTokens(answer.toString()) satisfies GrantedTokens };
    } catch (error) {
      if (error instanceof RefusedQuestion && isOver(error, parameters)) return { fault: 'refused' };
      this.#report('the token endpoint', describe(error));
      return unavailable;
    } finally {
      this.#questions[grant] -= 1;
    }
  }

  /** Undefined: there is none, and nobody waits for it again for a while. What is old is better than nothing. */
  async #current(): Promise<ProviderMetadata | undefined> {
    const nowMs = this.#options.clock.monotonicMs();
    const isFresh = nowMs - this.#metadataMs < (this.#provider.refresh?.intervalMs ?? 0);
    if (isFresh || nowMs - this.#failedMs < pauseMs) return this.#metadata;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    // Who has one does not wait for the next.
    return this.#metadata ?? this.#fetching;
  }

  async #fetch(): Promise<ProviderMetadata | undefined> {
    const { issuer } = this.#provider;
    const { clock } = this.#options;
    try {
      const url = safeUrl(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
      const question = { headers: { accept: 'application/json' }, ca: this.#trust() };
      this.#metadata = readMetadata((await askUrl(url, question, this.#limits)).toString(), issuer);
      this.#metadataMs = clock.monotonicMs();
    } catch (error) {
      this.#failedMs = clock.monotonicMs();
      this.#report('the metadata', messageOf(error));
    }
    return this.#metadata;
  }

  get #limits(): AskLimits {
    const { resolver, ownPorts } = this.#options;
    const deadlineMs = this.#provider.refresh?.timeoutMs ?? 0;
    return { resolver, ownPorts, signal: this.#ended.signal, deadlineMs, bytesMax };
  }

  #report(what: string, detail: string): void {
    const { clock, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#toldMs < reportIntervalMs || this.#ended.signal.aborted) return;
    this.#toldMs = nowMs;
    const provider = this.#provider.name;
    logger.warn({ provider }, `nobody can log in at authprovider ${provider}, for ${what}: ${detail}`);
  }
}

/** RFC 6749 section 5.2 and OpenID Connect Core section 3.1.2.6: only a new login helps. Providers choose the status as they like. */
const overErrors = new Set([
  'invalid_grant',
  'invalid_token',
  'access_denied',
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
]);
/** What a provider says too that does not refresh, or not this; of a code it is a mistake in the configuration. */
const noRefreshErrors = new Set([
  'invalid_request',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
]);

/** Whatever else it complains about is not the user's fault. */
function isOver({ status, body }: RefusedQuestion, { grant_type }: TokenParameters): boolean {
  if (status < 400 || status > 499 || status === 408 || status === 429) return false;
  const error = errorOf(body) ?? '';
  return overErrors.has(error) || (grant_type === 'refresh_token' && noRefreshErrors.has(error));
}

function describe(error: unknown): string {
  const word = error instanceof RefusedQuestion ? errorOf(error.body) : undefined;
  return word === undefined ? messageOf(error) : `${messageOf(error)} and error ${word}`;
}

function errorOf(body: Uint8Array): string | undefined {
  try {
    const { error } = JSON.parse(Buffer.from(body).toString()) as { error?: unknown };
    return typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}
