/** What a browser keeps of logins: its session, and logins that are under way. Sealed, and bound to the client that they are of. */

import { randomInt, timingSafeEqual } from 'node:crypto';

import type { FilterExchange } from '../filter.ts';
import { meetsClaims } from '../jwt/claims.ts';
import { TokenCache } from '../jwt/token-cache.ts';
import type { VerifierSettings } from '../jwt/token-verifier.ts';
import { queryValue } from '../query-value.ts';
import { cookieValue, cookieValues } from '../request-source.ts';
import {
  attemptName,
  attemptsMax,
  type CookieSettings,
  cookieBytesMax,
  isOfHost,
  type JoinedSession,
  joinSessions,
  pieceName,
  piecesMax,
  sameNameMax,
  setCookieText,
  slotsName,
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
import { publicOrigin } from './public-origin.ts';

export interface FoundSession {
  readonly session: LoginSession;
  /** The next key takes the place of the one that it is sealed with. */
  readonly isOld: boolean;
  /** It has the claims that the provider requires by now. */
  readonly meetsClaims: boolean;
}

/** What it was sealed for. */
interface KnownSession extends FoundSession {
  readonly count: number;
  readonly client: VerifierSettings;
}

export class LoginCookies {
  /** All that a browser may have. */
  readonly names: ReadonlySet<string>;
  readonly #settings: CookieSettings;
  readonly #callbackPath: string;
  readonly #services: Pick<LoginServices, 'keys' | 'wallMs'>;
  /** By what is sealed. */
  readonly #sessions = new TokenCache<KnownSession>();
  #keysSeen = -1;
  #nextSlot = randomInt(attemptsMax);

  constructor(
    settings: CookieSettings,
    callbackPath: string,
    services: Pick<LoginServices, 'keys' | 'wallMs'>,
  ) {
    this.#settings = settings;
    this.#callbackPath = callbackPath;
    this.#services = services;
    this.names = new Set([
      ...Array.from({ length: piecesMax }, (_, index) => pieceName(settings.name, index)),
      ...Array.from({ length: attemptsMax }, (_, slot) => attemptName(settings.name, slot)),
      slotsName(settings.name),
    ]);
  }

  /** All that were sealed here; hardly ever more than one. Whether one is over, the caller knows. */
  *findSessions(exchange: FilterExchange, client: VerifierSettings): Generator<FoundSession> {
    for (const joined of joinSessions(exchange.requestHeader('cookie'), this.#settings.name)) {
      const found = this.#open(joined, client);
      if (found !== undefined) yield found;
    }
  }

  #open({ count, sealed }: JoinedSession, client: VerifierSettings): FoundSession | undefined {
    const { keys } = this.#services;
    if (this.#keysSeen !== keys.changes) {
      this.#sessions.clear();
      this.#keysSeen = keys.changes;
    }
    // Hot path: a map is quicker than a digest, and finds nothing that was not sealed here.
    const known = this.#sessions.get(sealed);
    if (known?.count === count && known.client === client) return known;
    const unsealed = keys.unseal(sealed, this.#context(`session ${count}`, client));
    if (unsealed === undefined) return undefined;
    const session = readSession(unsealed.text);
    const isMet = meetsClaims(session.claims, client.requiredClaims) === undefined;
    const found = { session, isOld: unsealed.isOld, meetsClaims: isMet, count, client };
    // A copy: a part of a text keeps the whole, which is the client's header.
    this.#sessions.set(Buffer.from(sealed).toString(), found, sealed.length);
    return found;
  }

  /** Values of Set-Cookie; undefined: it is too large for them. */
  ofSession(exchange: FilterExchange, client: VerifierSettings, session: LoginSession): string[] | undefined {
    const text = sessionText(session);
    const values = splitSession(this.#settings.name, (count) =>
      this.#services.keys.seal(text, this.#context(`session ${count}`, client)),
    );
    const endMs = session.refreshToken === undefined ? session.validUntilMs : session.endsAtMs;
    const maxAgeSeconds = Math.max(1, Math.ceil((endMs - this.#services.wallMs()) / 1000));
    const { domain } = this.#settings;
    return values?.map((value, index) => this.#piece(exchange, index, value, maxAgeSeconds, domain));
  }

  /** That take the session away, also one that was set before there was a `domain`. */
  ofNoSession(exchange: FilterExchange): string[] {
    const { name, domain } = this.#settings;
    const header = exchange.requestHeader('cookie');
    const domains = domain === undefined ? [undefined] : [undefined, domain];
    return Array.from({ length: piecesMax }, (_, index) => index)
      .filter((index) => index === 0 || cookieValue(header, pieceName(name, index)) !== undefined)
      .flatMap((index) => domains.map((each) => this.#piece(exchange, index, '', 0, each)));
  }

  /** Who comes from a very long URL is sent to the start page in the end. */
  ofAttempt(exchange: FilterExchange, client: VerifierSettings, attempt: LoginAttempt): string[] {
    const taken = this.#takenSlots(exchange);
    const slot = this.#freeSlot(taken);
    const name = attemptName(this.#settings.name, Number(slot));
    const context = this.#context('attempt', client);
    const sealed = (written: LoginAttempt): string =>
      this.#services.keys.seal(JSON.stringify(written), context);
    const whole = sealed(attempt);
    const fits = name.length + whole.length <= cookieBytesMax;
    const value = fits ? whole : sealed({ ...attempt, returnTo: '/' });
    return [
      this.#attemptText(exchange, name, value, attemptMsMax / 1000),
      this.#slotsText(exchange, taken.replace(slot, '') + slot),
    ];
  }

  /** The attempt that the provider's answer belongs to, and what takes its cookies away. */
  findAttempt(
    exchange: FilterExchange,
    client: VerifierSettings,
  ): { readonly attempt: LoginAttempt; readonly forget: readonly string[] } | undefined {
    const state = queryValue(exchange.query, 'state');
    if (state === undefined) return undefined;
    const header = exchange.requestHeader('cookie');
    const context = this.#context('attempt', client);
    for (let slot = 0; slot < attemptsMax; slot += 1) {
      const name = attemptName(this.#settings.name, slot);
      for (const value of cookieValues(header, name, sameNameMax)) {
        const unsealed = this.#services.keys.unseal(value, context);
        if (unsealed === undefined) continue;
        const attempt = JSON.parse(unsealed.text) as LoginAttempt;
        const isFresh = this.#services.wallMs() - attempt.startedMs < attemptMsMax;
        if (isFresh && isSame(attempt.state, state)) return { attempt, forget: this.#forget(exchange, slot) };
      }
    }
    return undefined;
  }

  #forget(exchange: FilterExchange, slot: number): string[] {
    return [
      this.#attemptText(exchange, attemptName(this.#settings.name, slot), '', 0),
      this.#slotsText(exchange, this.#takenSlots(exchange).replace(String(slot), '')),
    ];
  }

  /** By what the browser says: a digit each, the oldest first. */
  #takenSlots(exchange: FilterExchange): string {
    const told = cookieValue(exchange.requestHeader('cookie'), slotsName(this.#settings.name)) ?? '';
    return new RegExp(`^[0-${attemptsMax - 1}]{1,${attemptsMax}}$`).test(told) ? told : '';
  }

  /** In turn, for several pages that open at once do not know of each other. */
  #freeSlot(taken: string): string {
    this.#nextSlot = (this.#nextSlot + 1) % attemptsMax;
    const slots = Array.from({ length: attemptsMax }, (_, n) => String((this.#nextSlot + n) % attemptsMax));
    return slots.find((slot) => !taken.includes(slot)) ?? taken[0]!;
  }

  #slotsText(exchange: FilterExchange, slots: string): string {
    const name = slotsName(this.#settings.name);
    return this.#attemptText(exchange, name, slots, slots === '' ? 0 : attemptMsMax / 1000, '/');
  }

  /** What a sealed text is bound to: nothing that was sealed for another client, or another cookie, can take its place. */
  #context(what: string, { name, issuer, clientId }: VerifierSettings): string {
    return JSON.stringify([what, name, issuer, clientId, this.#settings.name]);
  }

  #piece(
    exchange: FilterExchange,
    index: number,
    value: string,
    maxAgeSeconds: number,
    domain: string | undefined,
  ): string {
    const { name, sameSite } = this.#settings;
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

  #attemptText(
    exchange: FilterExchange,
    name: string,
    value: string,
    maxAgeSeconds: number,
    path = this.#callbackPath,
  ): string {
    const isSecure = publicOrigin(exchange).startsWith('https:');
    // The browser comes back from another site, and with Strict it would do so without the cookie.
    const sameSite = this.#settings.sameSite === 'None' ? 'None' : 'Lax';
    return setCookieText({
      name,
      value,
      path: isOfHost(name) ? '/' : path,
      maxAgeSeconds,
      sameSite,
      domain: undefined,
      isSecure,
    });
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
