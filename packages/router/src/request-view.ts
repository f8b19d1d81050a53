// A request as predicates see it: what costs something to parse is parsed when the first predicate asks, and once.

import type { Check } from './compiled-rule.ts';

export interface RouteRequest {
  readonly method: string;
  /** Lower case, without port. */
  readonly host: string;
  /** As `canonicalPath` gives it. */
  readonly path: string;
  /** As sent, without the `?`. */
  readonly query: string | undefined;
  /** As `canonicalPath` gives it. */
  readonly encoded: number;
  /** By lower-case name; repeated fields joined by ", ", but `cookie` by "; ". */
  header(name: string): string | undefined;
}

/** No host name is longer (RFC 1035 section 2.3.4); a longer one only meets Routes for every host. */
export const hostLengthMax = 253;

export class RequestView {
  readonly request: RouteRequest;
  /** What rules are asked for: of the request that a CORS preflight announces its method. */
  readonly method: string;
  readonly #announced: ReadonlySet<string> | undefined;
  #query: ReadonlyMap<string, string> | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;

  /** `isAsSent`: of a CORS preflight not the request that it announces is judged, but the OPTIONS request that it is. */
  constructor(request: RouteRequest, isAsSent = false) {
    this.request = request;
    const announcedMethod = isAsSent ? undefined : methodOfPreflight(request);
    this.method = announcedMethod ?? request.method;
    this.#announced = announcedMethod === undefined ? undefined : announcedHeaders(request);
  }

  takesMethod(methods: readonly string[]): boolean {
    return methods.length === 0 || methods.includes(this.method);
  }

  /** The first of `checks` that does not hold. */
  failedCheck(checks: readonly Check[]): Check | undefined {
    for (const check of checks) if (!this.holds(check)) return check;
    return undefined;
  }

  /** The value that a check is about, or that stands there without one. */
  valueOf({ source, name }: Pick<Check, 'source' | 'name'>): string | undefined {
    if (source === 'header') return this.request.header(name);
    if (source === 'cookie') {
      this.#cookies ??= parseCookies(this.request.header('cookie') ?? '');
      return this.#cookies.get(name);
    }
    this.#query ??= parseQuery(this.request.query ?? '');
    return this.#query.get(name);
  }

  private holds(check: Check): boolean {
    // A preflight only names the headers to come, so a test of their value has to wait for the request itself.
    if (check.source === 'header' && this.#announced?.has(check.name) === true)
      return check.present !== false;
    const value = this.valueOf(check);
    if (check.present !== undefined) return check.present === (value !== undefined);
    if (value === undefined) return false;
    if (check.exact !== undefined) return value === check.exact;
    if (check.prefix !== undefined) return value.startsWith(check.prefix);
    return check.regex?.testExact(value) === true;
  }
}

/** The method that a CORS preflight asks about (Fetch standard section 3.3.2); undefined for any other request. */
export function methodOfPreflight(request: RouteRequest): string | undefined {
  if (request.method !== 'OPTIONS' || request.header('origin') === undefined) return undefined;
  return request.header('access-control-request-method');
}

function announcedHeaders(request: RouteRequest): ReadonlySet<string> | undefined {
  const listed = request.header('access-control-request-headers');
  return listed === undefined
    ? undefined
    : new Set(listed.split(',').map((name) => name.trim().toLowerCase()));
}

/** The first value of each name. */
function parseQuery(query: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeQuery(equals === -1 ? pair : pair.slice(0, equals));
    if (!values.has(name)) values.set(name, equals === -1 ? '' : decodeQuery(pair.slice(equals + 1)));
  }
  return values;
}

function decodeQuery(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // The query belongs to the upstream: what is no UTF-8 escape here is compared as it was written.
    return spaced;
  }
}

/** The first value of each name, as written (RFC 6265 section 4.2.1): quotes and escapes belong to the application. */
function parseCookies(header: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const name = pair.slice(0, equals).trim();
    if (!values.has(name)) values.set(name, pair.slice(equals + 1).trim());
  }
  return values;
}
