/** Logs in users of browsers at an OpenID provider: authorisation code (OpenID Connect Core section 3.1) with PKCE (RFC 7636). */

import { hash, randomBytes } from 'node:crypto';

import { admit, type AuthenticationFilter, unauthenticated } from '../authentication.ts';
import { authorization, removeCookies, removeCredential } from '../credentials.ts';
import { removeField, removeLookalikes } from '../fields.ts';
import type { Answer, FilterExchange, Refusal, Sooner, Verdict } from '../filter.ts';
import { type Bearer, makeBearer } from '../jwt/bearer.ts';
import type { TokenVerifier } from '../jwt/token-verifier.ts';
import { queryValue } from '../query-value.ts';
import { cookieValue } from '../request-source.ts';
import { loggedOut, pageTo, providerError, redirectTo, refused, unavailable } from './answers.ts';
import type { CookieSettings } from './cookies.ts';
import { LoginCookies } from './login-cookies.ts';
import type { LoginServices } from './login-services.ts';
import type { LoginAttempt, LoginSession } from './login-session.ts';
import { isNavigation, isOfSameSite, isPrefetch } from './navigation.ts';
import type { GrantedTokens, ProviderEndpoints } from './provider.ts';
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
/** A longer hint makes a URL that servers refuse; without one they ask the user. */
const hintCharactersMax = 4096;
/** A flood of visitors asks the supervisor no more often than this. */
const endpointsKeptMs = 1000;

export class OidcFilter implements AuthenticationFilter<LoginState> {
  readonly kind = 'oidc';
  readonly name: string;
  readonly demands: string;
  readonly isOptional = false;
  readonly challenge = challenge;
  readonly setsAuthorization: boolean;
  readonly #settings: OidcSettings;
  readonly #services: LoginServices;
  readonly #cookies: LoginCookies;
  readonly #bearers = new WeakMap<LoginSession, Bearer>();
  #endpoints: Promise<ProviderEndpoints | undefined> | undefined;
  #endpointsMs = -Infinity;
  #pauseEndsMs = -Infinity;

  constructor(name: string, settings: OidcSettings, services: LoginServices) {
    this.name = name;
    this.demands = `oidc ${JSON.stringify(settings)}`;
    this.setsAuthorization = settings.forwardsToken;
    this.#settings = settings;
    this.#services = services;
    this.#cookies = new LoginCookies(settings.cookie, settings.callbackPath, services);
  }

  hideSecrets(exchange: FilterExchange): void {
    if (exchange.path !== this.#settings.callbackPath) return;
    exchange.hideQuery('code');
    exchange.hideQuery('state');
  }

  createState(): LoginState {
    return { renewed: undefined };
  }

  isAddressed({ path }: FilterExchange): boolean {
    return path === this.#settings.callbackPath || path === this.#settings.logoutPath;
  }

  hasCredentials(exchange: FilterExchange): boolean {
    return cookieValue(exchange.requestHeader('cookie'), this.#settings.cookie.name) !== undefined;
  }

  checksAuthorization(): boolean {
    return true;
  }

  removeCredentials(exchange: FilterExchange): void {
    // Hot path: where no name of ours is, no list of cookies is made.
    if (exchange.requestHeader('cookie')?.includes(this.#settings.cookie.name) === true)
      removeCookies(exchange, (name) => this.#cookies.names.has(name));
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
    const verifier = this.#verifier(exchange);
    // Who has logged out meanwhile stays so.
    if (renewed === undefined || verifier === undefined || this.#services.ended.has(renewed.id))
      return undefined;
    const { responseFields } = exchange;
    if (setsCookie(responseFields, this.#settings.cookie.name)) return undefined;
    for (const cookie of this.#cookies.ofSession(exchange, verifier.settings, renewed) ?? [])
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
    const { provider, scopes, callbackPath, cookie, forwardsToken } = this.#settings;
    const endpoints = await this.#currentEndpoints();
    if (endpoints === undefined) return unavailable;
    const [state, nonce, codeVerifier] = [randomText(), randomText(), randomText() + randomText()];
    const url = new URL(endpoints.authorization);
    const parameters = {
      response_type: 'code',
      client_id: settings.clientId!,
      redirect_uri: publicOrigin(exchange) + callbackPath,
      scope: scopes.join(' '),
      state,
      nonce,
      code_challenge: hash('sha256', codeVerifier, 'base64url'),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const query = exchange.query === undefined ? '' : `?${exchange.query}`;
    const returnTo = exchange.path + query;
    const attempt = {
      state,
      nonce,
      codeVerifier,
      returnTo,
      startedMs: this.#services.wallMs(),
      scopes,
      ttlMs: cookie.ttlMs,
      keepsToken: forwardsToken,
    };
    this.#services.count(provider, 'started');
    return redirectTo(url.href, this.#cookies.ofAttempt(exchange, settings, attempt));
  }

  #currentEndpoints(): Promise<ProviderEndpoints | undefined> {
    const { ask, monotonicMs } = this.#services;
    if (this.#endpoints === undefined || monotonicMs() - this.#endpointsMs >= endpointsKeptMs) {
      this.#endpointsMs = monotonicMs();
      this.#endpoints = ask({ provider: this.#settings.provider, ask: 'endpoints' }).then((answer) =>
        'endpoints' in answer ? answer.endpoints : undefined,
      );
    }
    return this.#endpoints;
  }

  async #callback(exchange: FilterExchange, verifier: TokenVerifier): Promise<Verdict> {
    const { provider, cookie } = this.#settings;
    if (exchange.method !== 'GET')
      return refused('method_not_allowed', 'A login ends with GET.', ['allow', 'GET']);
    const found = this.#cookies.findAttempt(exchange, verifier.settings);
    if (found === undefined)
      return refused('bad_request', 'This login was not begun here, is over, or took too long.');
    const ended = await this.#complete(exchange, verifier, found.attempt);
    // Who loads the page again later may still come in.
    if (ended === unavailable) return ended;
    const cookies = 'kind' in ended ? undefined : this.#cookies.ofSession(exchange, verifier.settings, ended);
    if (cookies === undefined) {
      this.#services.count(provider, 'failed');
      const refusal = 'kind' in ended ? ended : tooLarge;
      const forget = found.forget.flatMap((each) => ['set-cookie', each]);
      return { ...refusal, fields: [...(refusal.fields ?? []), ...forget] };
    }
    this.#services.count(provider, 'completed');
    // With the origin before it, a path that begins with two slashes leads nowhere else.
    const location = publicOrigin(exchange) + found.attempt.returnTo;
    // The browser was sent here by another site, so it would follow a redirect without a cookie that is Strict.
    const answer = cookie.sameSite === 'Strict' ? pageTo : redirectTo;
    return answer(location, [...cookies, ...found.forget]);
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
    const { codeVerifier } = attempt;
    const answer = await this.#services.ask({ provider, ask: 'code', code, codeVerifier, redirectUri });
    if ('fault' in answer && answer.fault === 'refused') return staleCode;
    if (!('tokens' in answer)) return unavailable;
    // Another Route of the host may have begun the login, and asked for other things.
    const basis = { ...attempt, before: undefined, nowMs: this.#services.wallMs() };
    const session = await sessionOf(verifier, answer.tokens, basis);
    if (!('fault' in session)) return session;
    if (session.fault === 'invalid') return refused('upstream_protocol_error', session.detail);
    return session.fault === 'unavailable' ? unavailable : lacksClaim;
  }

  #renewedSession(
    verifier: TokenVerifier,
    tokens: GrantedTokens,
    before: LoginSession,
  ): Promise<LoginSession | SessionFault> {
    const { scopes, cookie, forwardsToken } = this.#settings;
    const keepsToken = forwardsToken || before.accessToken !== undefined;
    const nowMs = this.#services.wallMs();
    return sessionOf(verifier, tokens, {
      before,
      nonce: undefined,
      scopes,
      ttlMs: cookie.ttlMs,
      keepsToken,
      nowMs,
    });
  }

  /** The session of the browser, if it may be used here. */
  #sessionOf(exchange: FilterExchange, verifier: TokenVerifier, state: LoginState): LoginSession | undefined {
    const { scopes, forwardsToken } = this.#settings;
    for (const { session, isOld, meetsClaims } of this.#cookies.findSessions(exchange, verifier.settings)) {
      const lasts = this.#services.wallMs() < this.#endsAtMs(session);
      if (!lasts || this.#services.ended.has(session.id) || !meetsClaims) continue;
      if (forwardsToken && session.accessToken === undefined) continue;
      if (!scopes.every((scope) => session.askedScopes.includes(scope))) continue;
      if (isOld) state.renewed = session;
      return session;
    }
    return undefined;
  }

  /** A shorter life that was written since holds for it too. */
  #endsAtMs({ beganMs, endsAtMs }: LoginSession): number {
    return Math.min(endsAtMs, beganMs + this.#settings.cookie.ttlMs);
  }

  /** Tokens that are still good are used while there are no newer ones. */
  async #refresh(
    exchange: FilterExchange,
    state: LoginState,
    verifier: TokenVerifier,
    session: LoginSession,
  ): Promise<Verdict> {
    const { provider } = this.#settings;
    const { wallMs, monotonicMs, count, ended, ask } = this.#services;
    const isGood = (): boolean => wallMs() < session.validUntilMs;
    if (isGood() && monotonicMs() < this.#pauseEndsMs) return this.#admit(exchange, verifier, session);
    const { refreshToken } = session;
    const answer =
      refreshToken === undefined ? noRefresh : await ask({ provider, ask: 'refresh', refreshToken });
    const renewed =
      'tokens' in answer ? await this.#renewedSession(verifier, answer.tokens, session) : answer;
    if ('id' in renewed && !ended.has(session.id)) {
      count(provider, 'refreshed');
      state.renewed = renewed;
      return this.#admit(exchange, verifier, renewed);
    }
    if (refreshToken !== undefined) count(provider, 'refreshFailed');
    const isAway = 'fault' in renewed && renewed.fault === 'unavailable';
    // Refused it may be too because another node was quicker, whose answer is still on its way to the browser.
    if (isGood() && !ended.has(session.id)) {
      if (isAway) this.#pauseEndsMs = monotonicMs() + refreshPauseMs;
      return this.#admit(exchange, verifier, session);
    }
    if (isAway) return unavailable;
    state.renewed = undefined;
    return this.#withoutSession(exchange);
  }

  #admit(exchange: FilterExchange, { settings }: TokenVerifier, session: LoginSession): Verdict {
    const { consumers, upstreamFields } = exchange;
    let bearer = this.#bearers.get(session);
    if (bearer?.consumers !== consumers) {
      bearer = makeBearer(consumers, settings, session.claims, session.scopes);
      this.#bearers.set(session, bearer);
    }
    if (bearer.consumer?.disabled === true) return disabled;
    const refusal = admit(exchange, bearer.identity);
    if (refusal !== undefined) return refusal;
    exchange.expireAt(Math.min(session.validUntilMs, this.#endsAtMs(session)));
    // What stands there upstream was checked here, or nothing does. Who is not let in, but passes in a trial, keeps his own.
    removeCredential(authorization, exchange);
    upstreamFields.push(...bearer.fields);
    if (this.#settings.forwardsToken) upstreamFields.push('authorization', `Bearer ${session.accessToken}`);
    return undefined;
  }

  /** By POST or a link, of this site alone: no other page, picture or prefetch logs anybody out. */
  #logout(exchange: FilterExchange, verifier: TokenVerifier): Sooner<Verdict> {
    const { method } = exchange;
    if (method !== 'GET' && method !== 'POST')
      return refused('method_not_allowed', 'A logout is GET or POST.', ['allow', 'GET, POST']);
    const isLink = (exchange.requestHeader('sec-fetch-mode') ?? 'navigate') === 'navigate';
    if (!isOfSameSite(exchange) || isPrefetch(exchange) || (method === 'GET' && !isLink))
      return refused('forbidden', 'Only this site itself logs its users out.');
    return this.#endSession(exchange, verifier);
  }

  /** OpenID Connect RP-Initiated Logout: where the provider takes part, it is asked to end its own session. */
  async #endSession(exchange: FilterExchange, verifier: TokenVerifier): Promise<Answer> {
    const { ended, onLogout, count } = this.#services;
    // Also those that would not do here.
    const sessions = Array.from(
      this.#cookies.findSessions(exchange, verifier.settings),
      (each) => each.session,
    );
    for (const { id, endsAtMs } of sessions) {
      if (ended.has(id)) continue;
      const over = { session: id, endsAtMs };
      ended.add(over);
      onLogout(over);
      count(this.#settings.provider, 'loggedOut');
    }
    const cookies = this.#cookies.ofNoSession(exchange);
    const endpoints = await this.#currentEndpoints();
    if (endpoints?.endSession === undefined) return loggedOut(cookies);
    const url = new URL(endpoints.endSession);
    url.searchParams.set('client_id', verifier.settings.clientId!);
    const [hint] = sessions.map(({ idToken }) => idToken).filter(({ length }) => length <= hintCharactersMax);
    if (hint !== undefined) url.searchParams.set('id_token_hint', hint);
    return redirectTo(url.href, cookies, 303);
  }
}

const noRefresh = { fault: 'refused' } as const;

const staleCode = refused(
  'bad_request',
  'The provider does not take its own answer: it was used before, or is too old.',
);
const lacksClaim = refused('forbidden', 'The provider does not say of you what is needed here.');
const tooLarge = refused('upstream_protocol_error', 'The tokens of the provider are too large for cookies.');

/** The answer of the application takes the session away, or puts another in its place. */
function setsCookie(fields: readonly string[], name: string): boolean {
  return fields.some(
    (field, at) =>
      at % 2 === 0 &&
      field.toLowerCase() === 'set-cookie' &&
      fields[at + 1]!.trimStart().startsWith(`${name}=`),
  );
}

function randomText(): string {
  return randomBytes(randomBytesOfSecrets).toString('base64url');
}
