/** What pages of other origins may do (Fetch standard section 3.3). */

import { addVary, removeFields } from './fields.ts';
import type { Answer, Filter, FilterExchange } from './filter.ts';
import { originMatcher } from './origins.ts';

/** Names in lower case, methods in upper case; `*` alone in a list is everything. */
export interface CorsSettings {
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  readonly maxAgeSeconds: number;
}

interface Rules {
  /** Undefined: every origin, to which the answer is the same. */
  readonly allowsOrigin: ((origin: string) => boolean) | undefined;
  /** Undefined: those of the Route. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly methodsText: string;
  /** Undefined: whatever is asked for. */
  readonly headers: ReadonlySet<string> | undefined;
  readonly headersText: string;
  /** Fields of every response that a page may read, but for the origin. */
  readonly ofResponses: readonly string[];
  /** The same of answers to preflights. */
  readonly ofPreflights: readonly string[];
}

/** Replaced by what the response hook knows. */
const noContent: Answer = { kind: 'answer', status: 204, fields: [], body: new Uint8Array() };

/** Browsers send hardly any; more is no list of headers. */
const requestedHeadersMax = 128;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A page whose origin, method or headers are not allowed is told nothing, and its browser lets it read nothing. */
export function createCorsFilter(name: string, settings: CorsSettings): Filter {
  const rules = prepare(settings);
  return {
    kind: 'cors',
    name,
    answersPreflights: true,
    onRequestHead: (exchange) => (isPreflight(exchange) ? noContent : undefined),
    onResponseHead: (exchange) => {
      removeOthers(exchange.responseFields);
      const origin = exchange.requestHeader('origin');
      // Caches must not give the answer for one origin to another (Fetch standard section 3.3.5).
      if (rules.allowsOrigin !== undefined) addVary(exchange.responseFields, 'origin');
      if (!mayRead(rules, origin)) return undefined;
      if (isPreflight(exchange)) answerPreflight(rules, exchange, origin!);
      else
        exchange.responseFields.push(
          'access-control-allow-origin',
          shownOrigin(rules, origin!),
          ...rules.ofResponses,
        );
      return undefined;
    },
  };
}

function prepare(settings: CorsSettings): Rules {
  const { allowOrigins, allowMethods, allowHeaders, exposeHeaders, allowCredentials, maxAgeSeconds } =
    settings;
  const credentials = allowCredentials ? ['access-control-allow-credentials', 'true'] : [];
  const exposed =
    exposeHeaders.length === 0 ? [] : ['access-control-expose-headers', exposeHeaders.join(', ')];
  return {
    allowsOrigin: allowOrigins.includes('*') ? undefined : originMatcher(allowOrigins),
    methods: allowMethods.includes('*') ? undefined : new Set(allowMethods),
    methodsText: allowMethods.join(', '),
    headers: allowHeaders.includes('*') ? undefined : new Set(allowHeaders),
    headersText: allowHeaders.join(', '),
    ofResponses: [...credentials, ...exposed],
    ofPreflights: [...credentials, 'access-control-max-age', String(maxAgeSeconds)],
  };
}

function isPreflight(exchange: FilterExchange): boolean {
  return (
    exchange.method === 'OPTIONS' &&
    exchange.requestHeader('origin') !== undefined &&
    exchange.requestHeader('access-control-request-method') !== undefined
  );
}

function mayRead({ allowsOrigin }: Rules, origin: string | undefined): boolean {
  return origin !== undefined && (allowsOrigin === undefined || allowsOrigin(origin));
}

/** Of every origin the answer is the same, which is only for answers without credentials. */
function shownOrigin({ allowsOrigin }: Rules, origin: string): string {
  return allowsOrigin === undefined ? '*' : origin;
}

function answerPreflight(rules: Rules, exchange: FilterExchange, origin: string): void {
  const methods = allowedMethods(rules, exchange);
  const headers = allowedHeaders(rules, exchange);
  if (methods === undefined || headers === undefined) return;
  const { responseFields } = exchange;
  responseFields.push('access-control-allow-origin', shownOrigin(rules, origin));
  responseFields.push('access-control-allow-methods', methods);
  if (headers !== '') responseFields.push('access-control-allow-headers', headers);
  responseFields.push(...rules.ofPreflights);
}

/** Undefined: the one that is asked for is not among them. Methods are case-sensitive (RFC 9110 section 9.1). */
function allowedMethods({ methods, methodsText }: Rules, exchange: FilterExchange): string | undefined {
  const asked = exchange.requestHeader('access-control-request-method')!;
  if (methods !== undefined) return methods.has(asked) ? methodsText : undefined;
  const { routeMethods } = exchange;
  if (routeMethods.length > 0) return routeMethods.includes(asked) ? routeMethods.join(', ') : undefined;
  return token.test(asked) ? asked : undefined;
}

/** Undefined: one that is asked for is not among them. */
function allowedHeaders({ headers, headersText }: Rules, exchange: FilterExchange): string | undefined {
  const asked = exchange.requestHeader('access-control-request-headers');
  if (asked === undefined || asked === '') return headersText === '*' ? '' : headersText;
  const names = asked.split(',', requestedHeadersMax + 1).map((each) => each.trim().toLowerCase());
  if (names.length > requestedHeadersMax) return undefined;
  if (headers !== undefined)
    return names.every((each) => each === '' || headers.has(each)) ? headersText : undefined;
  return names.every((each) => token.test(each)) ? names.join(', ') : undefined;
}

const prefix = 'access-control-';

/** What upstreams say about it: two answers of two minds would let a browser read neither. */
function removeOthers(fields: string[]): void {
  removeFields(fields, prefix, beginsWith);
}

/** Hot path: hardly any name has the first letter. */
function beginsWith(name: string, lowerPrefix: string): boolean {
  return (
    name.length > lowerPrefix.length &&
    (name.charCodeAt(0) | 0x20) === lowerPrefix.charCodeAt(0) &&
    name.slice(0, lowerPrefix.length).toLowerCase() === lowerPrefix
  );
}
