/** A request as those see it who choose a backend and an endpoint for it, and what they leave for its answer. */

import type { RequestSource } from '@causeway/filters/request-source';

import { readSource, type SourcedRequest } from '../../proxy/request-source.ts';
import type { AffinityCookie } from './balancing-settings.ts';
import { tagOf } from './cookie-signs.ts';

/**
 * `kept`: the session is where it was. `new`: it has got a place now. `moved`: it has got another one, because its own is ill or gone. In
 * order: what is said of the Route and of the Service is the worse of both.
 */
const outcomes = ['kept', 'new', 'moved'] as const;
export type AffinityOutcome = (typeof outcomes)[number];

/** Whose session found its place, for the log. */
interface AffinityRecord {
  affinity: AffinityOutcome | undefined;
}

/** Signs of other Routes and Services with a cookie of the same name, which are kept in it. */
const foreignSignsMax = 7;

/** One for each exchange that has an affinity or is hashed. */
export class ChoiceRequest {
  readonly #request: SourcedRequest;
  readonly #record: AffinityRecord;
  /** By name of the cookie. */
  readonly #cookies = new Map<string, SignedCookie>();

  constructor(request: SourcedRequest, record: AffinityRecord) {
    this.#request = request;
    this.#record = record;
  }

  valueOf(source: RequestSource): string | undefined {
    return readSource(source, this.#request);
  }

  /** What the client's cookie says to the holder of the tag. */
  signIn(cookie: AffinityCookie, tag: string): string | undefined {
    return this.#cookieOf(cookie).sent.get(tag);
  }

  /** The cookie is to say this with the answer; called again, this holds. */
  setSign(cookie: AffinityCookie, tag: string, sign: string): void {
    this.#cookieOf(cookie).signs.set(tag, { cookie, sign });
  }

  note(outcome: AffinityOutcome): void {
    const { affinity } = this.#record;
    if (affinity === undefined || outcomes.indexOf(outcome) > outcomes.indexOf(affinity))
      this.#record.affinity = outcome;
  }

  /** Values of Set-Cookie for cookies that do not say what they should. `isSecure`: the client came over TLS. */
  setCookies(isSecure: boolean): string[] {
    const values: string[] = [];
    for (const { sent, signs } of this.#cookies.values()) {
      const changed = [...signs].find(([tag, { sign }]) => sent.get(tag) !== sign);
      if (changed === undefined) continue;
      const foreign = [...sent].filter(([tag]) => !signs.has(tag)).map(([, sign]) => sign);
      const all = [...Array.from(signs.values(), ({ sign }) => sign), ...foreign.slice(0, foreignSignsMax)];
      values.push(setCookieValue(changed[1].cookie, all.join('.'), isSecure));
    }
    return values;
  }

  #cookieOf(cookie: AffinityCookie): SignedCookie {
    const { name } = cookie;
    let found = this.#cookies.get(name);
    if (found === undefined) {
      found = { sent: readSigns(this.valueOf({ kind: 'cookie', name })), signs: new Map() };
      this.#cookies.set(name, found);
    }
    return found;
  }
}

/** Signs by tag: those that the client sent, and those that it should have. */
interface SignedCookie {
  readonly sent: ReadonlyMap<string, string>;
  readonly signs: Map<string, { readonly cookie: AffinityCookie; readonly sign: string }>;
}

/** The first of each tag; whatever else there is means nothing. */
function readSigns(value: string | undefined): ReadonlyMap<string, string> {
  const signs = new Map<string, string>();
  for (const sign of value?.split('.', 2 * foreignSignsMax) ?? []) {
    const tag = tagOf(sign);
    if (tag !== undefined && !signs.has(tag)) signs.set(tag, sign);
  }
  return signs;
}

/** RFC 6265 section 4.1; SameSite as in its successor, draft-ietf-httpbis-rfc6265bis. */
function setCookieValue(
  { name, ttlSeconds, path, sameSite, domain }: AffinityCookie,
  value: string,
  isSecure: boolean,
): string {
  return [
    `${name}=${value}`,
    `Path=${path}`,
    ...(ttlSeconds > 0 ? [`Max-Age=${ttlSeconds}`] : []),
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    'HttpOnly',
    `SameSite=${sameSite}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
}
