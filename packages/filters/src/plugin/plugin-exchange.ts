/** The exchange as a plugin sees it: what the contract names, while one of its hooks runs. What a plugin says is checked here, not believed. */

import type { FilterExchange, ServiceQuestion } from '../filter.ts';

/** The part of the exchange that plugins have. */
export type PluginExchange = Pick<FilterExchange, (typeof members)[number]>;

/** What a plugin tells of a caller. Texts are byte strings. */
export interface PluginIdentity {
  readonly consumer?: string;
  readonly groups?: readonly string[];
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
}

const members = [
  'requestId',
  'method',
  'host',
  'authority',
  'path',
  'query',
  'scheme',
  'clientAddress',
  'routeName',
  'routeMethods',
  'matchedLength',
  'requestHeader',
  'pathParameter',
  'upstreamFields',
  'upstreamPath',
  'upstreamQuery',
  'rewriteTarget',
  'hideQuery',
  'hasRequestBody',
  'readRequestBody',
  'replaceRequestBody',
  'clientCertificate',
  'identity',
  'identify',
  'askService',
  'expireAt',
  'responseStatus',
  'responseBytes',
  'responseFields',
  'readResponseBody',
  'replaceResponseBody',
] as const satisfies readonly (keyof FilterExchange)[];

const known: ReadonlySet<string> = new Set(members);
const bodyBytesMax = 16_777_216;
const askMsMax = 60_000;

type FieldsName = 'upstreamFields' | 'responseFields';

/** One exchange of a plugin. */
export class PluginContext {
  /** For the plugin. */
  readonly exchange: PluginExchange;
  /** The plugin's own. */
  state: unknown = undefined;
  /** Things of others that a hook waits for: bodies and Services. */
  waits = 0;
  /** As the plugin has set it, which means nothing before `keepHead`. */
  responseStatus: number | undefined = undefined;
  readonly #namespace: string;
  readonly #fields: { [name in FieldsName]?: string[] | undefined } = {};
  #live: FilterExchange | undefined;
  #hooks = 0;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.exchange = new Proxy<object>(this, handler) as PluginExchange;
  }

  /** A hook begins. */
  enter(exchange: FilterExchange): void {
    this.#live = exchange;
    this.#hooks += 1;
  }

  /** It is over, whatever it still does. */
  leave(): void {
    this.#hooks -= 1;
  }

  get live(): FilterExchange {
    if (this.#live === undefined || this.#hooks === 0)
      throw new Error('the exchange is used when no hook of the plugin runs');
    return this.#live;
  }

  async waitFor<T>(what: T | Promise<T>): Promise<T> {
    this.waits += 1;
    try {
      return await what;
    } finally {
      this.waits -= 1;
    }
  }

  /** The plugin's own copy, likewise. */
  fieldsFor(name: FieldsName): string[] {
    return (this.#fields[name] ??= this.live[name].slice());
  }

  setFields(name: FieldsName, fields: string[]): void {
    this.#fields[name] = fields;
  }

  /** Puts what the plugin has made of a head in its place. Throws TypeError for fields that cannot be sent. */
  keepHead(name: FieldsName): void {
    const live = this.#live!;
    const given = this.#fields[name];
    this.#fields[name] = undefined;
    if (given !== undefined) live[name].splice(0, Infinity, ...readFields(given));
    if (name === 'responseFields') live.responseStatus = this.responseStatus ?? live.responseStatus;
  }

  identify({ consumer, groups = [], scopes = [], claims = {} }: PluginIdentity): void {
    if (!Array.isArray(groups) || !Array.isArray(scopes))
      throw new TypeError('identify: groups and scopes are lists');
    for (const text of [consumer ?? '', ...groups, ...scopes])
      if (typeof text !== 'string' || !/^[\u0020-\u007e\u0080-\u00ff]*$/.test(text))
        throw new TypeError('identify: names are texts without control characters');
    this.live.identify({
      consumer: consumer ?? undefined,
      namespace: this.#namespace,
      isConsumer: false,
      groups: [...groups],
      scopes: [...scopes],
      claims: jsonObject(claims, 'identify: claims'),
    });
  }
}

const handler: ProxyHandler<object> = {
  get(target, name) {
    if (typeof name !== 'string' || !known.has(name)) return undefined;
    const context = target as PluginContext;
    const exchange = context.live;
    const own = checked[name];
    if (own !== undefined) return (...given: readonly unknown[]) => own(context, ...given);
    if (name === 'upstreamFields' || name === 'responseFields') return context.fieldsFor(name);
    if (name === 'responseStatus') return context.responseStatus ?? exchange.responseStatus;
    const value: unknown = Reflect.get(exchange, name, exchange);
    return typeof value === 'function' ? (value.bind(exchange) as unknown) : value;
  },
  set(target, name, value) {
    const context = target as PluginContext;
    // Throws where no hook runs.
    void context.live;
    if (name === 'responseStatus' && isStatus(value)) context.responseStatus = value;
    else if (name === 'responseFields') context.setFields(name, readFields(value));
    else throw new TypeError(`${String(name)} cannot be set to this`);
    return true;
  },
};

type Checked = (context: PluginContext, ...given: readonly unknown[]) => unknown;

const checked: Readonly<Record<string, Checked>> = {
  rewriteTarget({ live }, path, query) {
    if (typeof path !== 'string' || !/^\/[!-~]*$/.test(path) || /[?#]/.test(path))
      throw new TypeError('rewriteTarget: the path begins with a slash, and is escaped');
    if (query !== undefined && (typeof query !== 'string' || !/^[!-~]*$/.test(query) || query.includes('#')))
      throw new TypeError('rewriteTarget: the query is escaped, and without the question mark');
    live.rewriteTarget(path, query);
  },
  readRequestBody: (context, bytesMax) => context.waitFor(context.live.readRequestBody(bodyBound(bytesMax))),
  readResponseBody: (context, bytesMax) =>
    context.waitFor(context.live.readResponseBody(bodyBound(bytesMax))),
  replaceRequestBody: ({ live }, body) => live.replaceRequestBody(bytesOf(body)),
  replaceResponseBody: ({ live }, body) => live.replaceResponseBody(bytesOf(body)),
  identify: (context, identity) => context.identify(identity as PluginIdentity),
  askService: (context, service, given) =>
    context.waitFor(context.live.askService(String(service), questionOf(given))),
  expireAt({ live }, wallMs) {
    if (typeof wallMs !== 'number' || Number.isNaN(wallMs))
      throw new TypeError('expireAt: milliseconds since 1970');
    live.expireAt(wallMs);
  },
};

function questionOf(given: unknown): ServiceQuestion {
  const { method = 'GET', target, fields = [], timeoutMs, body } = given as Record<string, unknown>;
  if (typeof method !== 'string' || !/^[A-Z]+$/.test(method)) throw new TypeError('askService: method');
  if (typeof target !== 'string' || !/^\/[!-~]*$/.test(target) || target.includes('#'))
    throw new TypeError('askService: target begins with a slash, and is escaped');
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0 && timeoutMs <= askMsMax))
    throw new RangeError(`askService: timeoutMs is at most ${askMsMax}`);
  const sent = body === undefined ? {} : { body: bytesOf(body) };
  return { method, target, fields: readFields(fields), timeoutMs, ...sent };
}

function bodyBound(bytesMax: unknown): number {
  if (typeof bytesMax === 'number' && bytesMax >= 0 && bytesMax <= bodyBytesMax) return bytesMax;
  throw new RangeError(`a body is read with a bound of 0 to ${bodyBytesMax} bytes`);
}

/** Bytes, of a text in UTF-8. */
export function bytesOf(body: unknown): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError('a body is a text or a Uint8Array');
}

export function isStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599;
}

const token = /^[-!#$%&'*+.^_`|~0-9a-z]+$/i;
const value = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const framing: ReadonlySet<string> = new Set(['connection', 'content-length', 'transfer-encoding']);

/** A copy of a flat list: name, value, name, value. Throws TypeError for fields that cannot be sent. */
export function readFields(given: unknown): string[] {
  if (!Array.isArray(given) || given.length % 2 !== 0)
    throw new TypeError('fields are a flat list of names and values');
  const fields = Array.from(given as readonly unknown[], (text) => {
    if (typeof text !== 'string') throw new TypeError('names and values of fields are texts');
    return text;
  });
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (!token.test(name)) throw new TypeError('the name of a field is no token');
    if (framing.has(name.toLowerCase())) throw new TypeError(`the field ${name} is for the gateway to write`);
    if (!value.test(fields[at + 1]!))
      throw new TypeError(`the field ${name} holds a control character, or one beyond latin-1`);
  }
  return fields;
}

/** A copy as JSON has it. Throws TypeError for what is no object, or cannot be written as JSON. */
export function jsonObject(given: unknown, what: string): Record<string, unknown> {
  const text = JSON.stringify(given) as string | undefined;
  if (text?.startsWith('{') !== true) throw new TypeError(`${what} is an object of JSON values`);
  return JSON.parse(text) as Record<string, unknown>;
}
