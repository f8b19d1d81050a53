/** Logs in users of browsers at an OpenID provider: authorisation code (OpenID Connect Core section 3.1) with PKCE (RFC 7636). */

import { hash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

import { admit, type AuthenticationFilter, unauthenticated } from '../authentication.ts';
import { removeCookies } from '../credentials.ts';
import { removeField, removeLookalikes } from '../fields.ts';
import type { Answer, FilterExchange, Refusal, Sooner, Verdict } from '../filter.ts';
import { type Bearer, makeBearer } from '../jwt/bearer.ts';
import { TokenCache } from '../jwt/token-cache.ts';
import type { TokenVerifier } from '../jwt/token-verifier.ts';
import { queryValue } from '../query-value.ts';
import { cookieValue } from '../request-source.ts';
import { loggedOut, pageTo, redirectTo, refused, unavailable } from './answers.ts';
import {
  attemptName,
  attemptsMax,
  type CookieSettings,
  cookieBytesMax,
  joinSession,
  ownCookieNames,
  pieceName,
  setCookieText,
  splitSession,
} from './cookies.ts';
import type { LoginServices } from './login-services.ts';
import {
  attemptMsMax,
  type LoginAttempt,
  type LoginSession,
  readSession,
  sessionText,
} from './login-session.ts';
import { isNavigation, isOfSameSite, isPrefetch } from './navigation.ts';
import type { GrantedTokens } from './provider.ts';
import { publicOrigin } from './public-origin.ts';
import { type SessionFault, sessionOf } from './session-of.ts';

export interface OidcSettings {
  /** "namespace/name" of the AuthProvider. */
  readonly provider: string;
  readonly scopes: readonly string[];
  readonly callbackPath: string;
  readonly logoutPath: string;
  readonly cookie: CookieSettings;
  /** The upstream gets the access token. */
  readonly forwardsToken: boolean;
  /** Who navigates without a session is sent to the login. */
  readonly redirects: boolean;
}

/** What goes with the response of one exchange. */
interface LoginState {
  /** Undefined: the browser keeps what it has. */
  renewed: LoginSession | undefined;
}

const challenge = 'Login realm="causeway"';
const missing = unauthenticated([challenge], 'A login is required.');
const disabled = refused('forbidden', 'This consumer is disabled.');
const randomBytesOfSecrets = 24;
/** After a refresh that came to nothing, tokens that are still good are used for so long before the provider is asked again. */
const refreshPauseMs = 5000;

export class OidcFilter implements AuthenticationFilter<LoginState> {
  readonly kind = 'oidc';
  readonly name: string;
  readonly demands: string;
  readonly isOptional = false;
  readonly challenge = challenge;
  readonly #settings: OidcSettings;
  readonly #services: LoginServices;
  readonly #cookieNames: ReadonlySet<string>;
  /** By the digest of their cookies. */
  readonly #sessions = new TokenCache<LoginSession>();
  #keysSeen = -1;
  readonly #bearers = new WeakMap<LoginSession, Bearer>();
  #nextAttempt = randomInt(attemptsMax);
  #pauseEndsMs = -Infinity;

  constructor(name: string, settings: OidcSettings, services: LoginServices) {
    this.name = name;
    this.demands = `oidc ${JSON.stringify(settings)}`;
    this.#settings = settings;
    this.#services = services;
    this.#cookieNames = new Set(ownCookieNames(settings.cookie.name));
  }

  hideSecrets(exchange: FilterExchange): void {
    if (exchange.path !== this.#settings.callbackPath) return;
    exchange.hideQuery('code');
    exchange.hideQuery('state');
  }

  createState(): LoginState {
    return { renewed: undefined };
  }

  hasCredentials(exchange: FilterExchange): boolean {
    const { callbackPath, logoutPath, cookie } = this.#settings;
    if (exchange.path === callbackPath || exchange.path === logoutPath) return true;
    return cookieValue(exchange.requestHeader('cookie'), cookie.name) !== undefined;
  }

  removeCredentials(exchange: FilterExchange): void {
    const { cookie } = this.#settings;
    // Hot path: where no name of ours is, no list of cookies is made.
    if (exchange.requestHeader('cookie')?.includes(cookie.name) === true)
      removeCookies(exchange, (name) => this.#cookieNames.has(name));
  }

  /** Fields that the gateway says of the caller: nobody else may. */
  removeForgeries(exchange: FilterExchange): void {
    for (const { header } of this.#verifier(exchange)?.settings.claimHeaders ?? [])
      removeLookalikes(exchange.upstreamFields, header);
  }

  /** Hot path: for a session that was seen before there is no promise. */
  onRequestHead(exchange: FilterExchange, state: LoginState): Sooner<Verdict> {
    const { callbackPath, logoutPath } = this.#settings;
    this.removeForgeries(exchange);
    this.removeCredentials(exchange);
    // What stands there upstream was checked here, or nothing does.
    removeField(exchange.upstreamFields, 'authorization');
    const verifier = this.#verifier(exchange);
    if (verifier === undefined || !this.#services.keys.areThere) return unavailable;
    if (exchange.path === callbackPath) return this.#callback(exchange, verifier);
    if (exchange.path === logoutPath) return this.#logout(exchange, verifier);
    const session = this.#sessionOf(exchange, verifier, state);
    if (session === undefined) return this.#withoutSession(exchange);
    if (this.#services.wallMs() < session.refreshAtMs) return this.#admit(exchange, verifier, session);
    return this.#refresh(exchange, state, verifier, session);
  }

  onResponseHead(exchange: FilterExchange, { renewed }: LoginState): Verdict {
    // Who has logged out meanwhile stays so.
    if (renewed === undefined || this.#services.ended.has(renewed.id)) return undefined;
    const { responseFields } = exchange;
    if (setsCookie(responseFields, this.#settings.cookie.name)) return undefined;
    for (const cookie of this.#sessionCookies(exchange, renewed) ?? [])
      responseFields.push('set-cookie', cookie);
    // It is the answer of one user from now on.
    removeField(responseFields, 'cache-control');
    responseFields.push('cache-control', 'no-store');
    return undefined;
  }

  /** Sends who navigates to the provider. */
  invite(exchange: FilterExchange): Sooner<Verdict> {
    if (!this.#settings.redirects || !isNavigation(exchange)) return undefined;
    const verifier = this.#verifier(exchange);
    if (verifier === undefined || !this.#services.keys.areThere) return unavailable;
    return this.#begin(exchange, verifier);
  }

  #withoutSession(exchange: FilterExchange): Sooner<Verdict> {
    return this.invite(exchange) ?? missing;
  }

  #verifier(exchange: FilterExchange): TokenVerifier | undefined {
    return exchange.tokenVerifier(this.#settings.provider)?.idTokens;
  }

  async #begin(exchange: FilterExchange, { settings }: TokenVerifier): Promise<Verdict> {
    const { provider, scopes, callbackPath } = this.#settings;
    const answer = await this.#services.ask({ provider, ask: 'endpoints' });
    if (!('endpoints' in answer)) return unavailable;
    const [state, nonce, codeVerifier] = [randomText(), randomText(), randomText() + randomText()];
    const origin = publicOrigin(exchange);
    const url = new URL(answer.endpoints.authorization);
    const parameters = {
      response_type: 'code',
      client_id: settings.clientId!,
      redirect_uri: origin + callbackPath,
      scope: scopes.join(' '),
      state,
      nonce,
      code_challenge: hash('sha256', codeVerifier, 'base64url'),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const query = exchange.query === undefined ? '' : `?${exchange.query}`;
    const attempt = {
      state,
      nonce,
      codeVerifier,
      returnTo: exchange.path + query,
      startedMs: this.#services.wallMs(),
    };
    this.#services.count(provider, 'started');
    return redirectTo(url.href, [this.#attemptCookie(exchange, settings, attempt)]);
  }

  /** Who comes from a very long URL is sent to the start page in the end. */
  #attemptCookie(
    exchange: FilterExchange,
    settings: TokenVerifier['settings'],
    attempt: LoginAttempt,
  ): string {
    const slot = (this.#nextAttempt = (this.#nextAttempt + 1) % attemptsMax);
    const name = attemptName(this.#settings.cookie.name, slot);
    const context = this.#context('attempt', settings);
    const whole = this.#services.keys.seal(JSON.stringify(attempt), context);
    const fits = name.length + whole.length <= cookieBytesMax;
    const value = fits
      ? whole
      : this.#services.keys.seal(JSON.stringify({ ...attempt, returnTo: '/' }), context);
    return this.#attemptCookieText(exchange, name, value, attemptMsMax / 1000);
  }

  #attemptCookieText(exchange: FilterExchange, name: string, value: string, maxAgeSeconds: number): string {
    const { callbackPath, cookie } = this.#settings;
    const isSecure = publicOrigin(exchange).startsWith('https:');
    // The browser comes back from another site, which Strict would not let it do with the cookie.
    const sameSite = cookie.sameSite === 'None' && isSecure ? 'None' : 'Lax';
    return setCookieText({
      name,
      value,
      path: callbackPath,
      maxAgeSeconds,
      sameSite,
      domain: undefined,
      isSecure,
    });
  }

  /** What a sealed text is bound to: nothing that another filter has sealed for another client can take its place. */
  #context(what: string, { name, issuer, clientId }: TokenVerifier['settings']): string {
    return JSON.stringify([what, name, issuer, clientId, this.#settings.cookie.name]);
  }

  async #callback(exchange: FilterExchange, verifier: TokenVerifier): Promise<Verdict> {
    if (exchange.method !== 'GET')
      return refused('method_not_allowed', 'A login ends with GET.', ['allow', 'GET']);
    const found = this.#attemptOf(exchange, verifier);
    if (found === undefined)
      return refused('bad_request', 'This login was not begun here, is over, or took too long.');
    const { slot, attempt } = found;
    const name = attemptName(this.#settings.cookie.name, slot);
    const forget = this.#attemptCookieText(exchange, name, '', 0);
    const ended = await this.#complete(exchange, verifier, attempt);
    const { provider } = this.#settings;
    if ('kind' in ended) {
      this.#services.count(provider, 'failed');
      return { ...ended, fields: [...(ended.fields ?? []), 'set-cookie', forget] };
    }
    const cookies = this.#sessionCookies(exchange, ended);
    if (cookies === undefined) {
      this.#services.count(provider, 'failed');
      return refused('upstream_protocol_error', 'The tokens of the provider are too large for cookies.');
    }
    this.#services.count(provider, 'completed');
    // With the origin before it, a path that begins with two slashes leads nowhere else.
    const location = publicOrigin(exchange) + attempt.returnTo;
    const answer = this.#settings.cookie.sameSite === 'Strict' ? pageTo : redirectTo;
    return answer(location, [...cookies, forget]);
  }

  /** The attempt that the provider's answer belongs to. */
  #attemptOf(
    exchange: FilterExchange,
    { settings }: TokenVerifier,
  ): { slot: number; attempt: LoginAttempt } | undefined {
    const state = queryValue(exchange.query, 'state');
    if (state === undefined) return undefined;
    const header = exchange.requestHeader('cookie');
    for (let slot = 0; slot < attemptsMax; slot += 1) {
      const value = cookieValue(header, attemptName(this.#settings.cookie.name, slot));
      const unsealed = value && this.#services.keys.unseal(value, this.#context('attempt', settings));
      if (!unsealed) continue;
      const attempt = JSON.parse(unsealed.text) as LoginAttempt;
      const isFresh = this.#services.wallMs() - attempt.startedMs < attemptMsMax;
      if (isFresh && isSame(attempt.state, state)) return { slot, attempt };
    }
    return undefined;
  }

  async #complete(
    exchange: FilterExchange,
    verifier: TokenVerifier,
    attempt: LoginAttempt,
  ): Promise<LoginSession | Refusal> {
    const { provider, callbackPath } = this.#settings;
    const error = queryValue(exchange.query, 'error');
    if (error !== undefined) return providerError(error);
    const code = queryValue(exchange.query, 'code');
    // RFC 9207: who mixes up providers is caught by it.
    const issuer = queryValue(exchange.query, 'iss');
    if (code === undefined || (issuer !== undefined && issuer !== verifier.settings.issuer))
      return refused('bad_request', 'This is no answer of the provider.');
    const redirectUri = publicOrigin(exchange) + callbackPath;
    const { codeVerifier, nonce } = attempt;
    const answer = await this.#services.ask({ provider, ask: 'code', code, codeVerifier, redirectUri });
    if ('fault' in answer)
      return answer.fault === 'unavailable'
        ? unavailable
        : refused(
            'bad_request',
            'The provider does not take its own answer: it was used before, or is too old.',
          );
    if (!('tokens' in answer)) return unavailable;
    const session = await this.#sessionFrom(verifier, answer.tokens, undefined, nonce);
    return 'fault' in session ? faultRefusal(session) : session;
  }

  #sessionFrom(
    verifier: TokenVerifier,
    tokens: GrantedTokens,
    before: LoginSession | undefined,
    nonce: string | undefined,
  ): Promise<LoginSession | SessionFault> {
    const { scopes, cookie, forwardsToken } = this.#settings;
    const keepsToken = forwardsToken || before?.accessToken !== undefined;
    const nowMs = this.#services.wallMs();
    return sessionOf(verifier, tokens, { before, nonce, scopes, ttlMs: cookie.ttlMs, keepsToken, nowMs });
  }

  /** Values of Set-Cookie; undefined: it is too large for them. */
  #sessionCookies(exchange: FilterExchange, session: LoginSession): string[] | undefined {
    const { cookie } = this.#settings;
    const verifier = this.#verifier(exchange);
    if (verifier === undefined) return undefined;
    const text = sessionText(session);
    const values = splitSession(cookie.name, (count) =>
      this.#services.keys.seal(text, this.#context(`session ${count}`, verifier.settings)),
    );
    const endMs = session.refreshToken === undefined ? session.validUntilMs : session.endsAtMs;
    const maxAgeSeconds = Math.max(1, Math.ceil((endMs - this.#services.wallMs()) / 1000));
    return values?.map((value, index) => this.#sessionCookieText(exchange, index, value, maxAgeSeconds));
  }

  #sessionCookieText(exchange: FilterExchange, index: number, value: string, maxAgeSeconds: number): string {
    const { name, sameSite, domain } = this.#settings.cookie;
    const isSecure = publicOrigin(exchange).startsWith('https:');
    return setCookieText({
      name: pieceName(name, index),
      value,
      path: '/',
      maxAgeSeconds,
      sameSite,
      domain,
      isSecure,
    });
  }

  /** The session of the cookies, if it may be used here. */
  #sessionOf(
    exchange: FilterExchange,
    verifier: TokenVerifier,
    state: LoginState | undefined,
  ): LoginSession | undefined {
    const { keys, wallMs, ended } = this.#services;
    const { cookie, scopes, forwardsToken } = this.#settings;
    const joined = joinSession(exchange.requestHeader('cookie'), cookie.name);
    if (joined === undefined) return undefined;
    if (this.#keysSeen !== keys.changes) {
      this.#sessions.clear();
      this.#keysSeen = keys.changes;
    }
    const context = this.#context(`session ${joined.count}`, verifier.settings);
    const digest = hash('sha256', `${context} ${joined.sealed}`, 'base64url');
    let session = this.#sessions.get(digest);
    if (session === undefined) {
      const unsealed = keys.unseal(joined.sealed, context);
      if (unsealed === undefined) return undefined;
      session = readSession(unsealed.text);
      // The next key takes the place of the one that it was sealed with.
      if (!unsealed.isOld) this.#sessions.set(digest, session, joined.sealed.length);
      else if (state !== undefined) state.renewed = session;
    }
    const isOver = wallMs() >= session.endsAtMs || ended.has(session.id);
    if (isOver || (forwardsToken && session.accessToken === undefined)) return undefined;
    return scopes.every((scope) => session.askedScopes.includes(scope)) ? session : undefined;
  }

  async #refresh(
    exchange: FilterExchange,
    state: LoginState,
    verifier: TokenVerifier,
    session: LoginSession,
  ): Promise<Verdict> {
    const { provider } = this.#settings;
    const { wallMs, monotonicMs, count } = this.#services;
    const isGood = (): boolean => wallMs() < session.validUntilMs;
    const { refreshToken } = session;
    if (refreshToken === undefined) return this.#withoutSession(exchange);
    if (isGood() && monotonicMs() < this.#pauseEndsMs) return this.#admit(exchange, verifier, session);
    const answer = await this.#services.ask({ provider, ask: 'refresh', refreshToken });
    const renewed =
      'tokens' in answer ? await this.#sessionFrom(verifier, answer.tokens, session, undefined) : answer;
    if ('id' in renewed) {
      count(provider, 'refreshed');
      if (this.#services.ended.has(session.id)) return this.#withoutSession(exchange);
      state.renewed = renewed;
      return this.#admit(exchange, verifier, renewed);
    }
    count(provider, 'refreshFailed');
    const isRefused = 'fault' in renewed && renewed.fault !== 'unavailable';
    if (isRefused) {
      state.renewed = undefined;
      return this.#withoutSession(exchange);
    }
    if (!isGood()) return unavailable;
    this.#pauseEndsMs = monotonicMs() + refreshPauseMs;
    return this.#admit(exchange, verifier, session);
  }

  #admit(exchange: FilterExchange, verifier: TokenVerifier, session: LoginSession): Verdict {
    const { identity, consumer, fields } = this.#bearerOf(exchange, verifier, session);
    if (consumer?.disabled === true) return disabled;
    const refusal = admit(exchange, identity);
    if (refusal !== undefined) return refusal;
    exchange.expireAt(session.validUntilMs);
    const { upstreamFields } = exchange;
    upstreamFields.push(...fields);
    if (this.#settings.forwardsToken) upstreamFields.push('authorization', `Bearer ${session.accessToken}`);
    return undefined;
  }

  #bearerOf({ consumers }: FilterExchange, { settings }: TokenVerifier, session: LoginSession): Bearer {
    const known = this.#bearers.get(session);
    if (known?.consumers === consumers) return known;
    const bearer = makeBearer(consumers, settings, session.claims, session.scopes);
    this.#bearers.set(session, bearer);
    return bearer;
  }

  /** By POST or a link, of this site alone: no other page, picture or prefetch logs anybody out. */
  #logout(exchange: FilterExchange, verifier: TokenVerifier): Sooner<Verdict> {
    const { method } = exchange;
    if (method !== 'GET' && method !== 'POST')
      return refused('method_not_allowed', 'A logout is GET or POST.', ['allow', 'GET, POST']);
    const mode = exchange.requestHeader('sec-fetch-mode');
    const isLink = mode === undefined || mode === 'navigate';
    if (!isOfSameSite(exchange) || isPrefetch(exchange) || (method === 'GET' && !isLink))
      return refused('forbidden', 'Only this site itself logs its users out.');
    return this.#endSession(exchange, verifier);
  }

  async #endSession(exchange: FilterExchange, verifier: TokenVerifier): Promise<Answer> {
    const { provider } = this.#settings;
    const session = this.#sessionOf(exchange, verifier, undefined);
    if (session !== undefined) {
      this.#services.ended.add(session.id);
      this.#services.onLogout(session.id);
      this.#services.count(provider, 'loggedOut');
    }
    const answer = await this.#services.ask({ provider, ask: 'endpoints' });
    const header = exchange.requestHeader('cookie');
    const cookies = this.#pieces
      .filter((piece, index) => index === 0 || cookieValue(header, piece) !== undefined)
      .map((_, index) => this.#sessionCookieText(exchange, index, '', 0));
    const endSession = 'endpoints' in answer ? answer.endpoints.endSession : undefined;
    if (endSession === undefined) return loggedOut(cookies);
    const url = new URL(endSession);
    url.searchParams.set('client_id', verifier.settings.clientId!);
    if (session !== undefined) url.searchParams.set('id_token_hint', session.idToken);
    return redirectTo(url.href, cookies, 303);
  }

  get #pieces(): string[] {
    return [...this.#cookieNames].filter((name) => !name.includes('.login'));
  }
}

/** The answer of the application takes the session away, or puts another in its place. */
function setsCookie(fields: readonly string[], name: string): boolean {
  return fields.some(
    (field, at) =>
      at % 2 === 0 &&
      field.toLowerCase() === 'set-cookie' &&
      fields[at + 1]!.trimStart().startsWith(`${name}=`),
  );
}

/** RFC 6749 section 4.1.2.1. */
function providerError(error: string): Refusal {
  if (error === 'server_error' || error === 'temporarily_unavailable') return unavailable;
  if (error === 'access_denied') return refused('forbidden', 'The provider did not let you log in.');
  return refused('bad_request', 'The provider refused the login.');
}

function faultRefusal(fault: SessionFault): Refusal {
  return fault.fault === 'unavailable' ? unavailable : refused('upstream_protocol_error', fault.detail);
}

function randomText(): string {
  return randomBytes(randomBytesOfSecrets).toString('base64url');
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
