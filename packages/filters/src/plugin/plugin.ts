/** A filter whose hooks are somebody else's code: they may throw, hang, and say anything, and none of it is more than a failure of theirs. */

import type { Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';

import type { Filter, FilterExchange, Sooner } from '../filter.ts';
import { HookDeadlines } from './hook-deadlines.ts';
import { PluginContext } from './plugin-exchange.ts';
import { readChunk, readMessageRefusal, readTime, readVerdict } from './read-verdict.ts';

export interface PluginSettings {
  readonly module: string;
  readonly config: unknown;
  readonly timeoutMs: number;
  /** The request goes on where a hook fails. */
  readonly failsOpen: boolean;
  /** Of the Consumers that it names. */
  readonly namespace: string;
}

/** The default export of a plugin's module. It gives the hooks of a `Filter`; what they get of the exchange is a `PluginExchange`. */
export type CreatePlugin = (options: { readonly name: string; readonly config: unknown }) => unknown;

/** `slow`: a hook computed longer than it may, and its answer counts. */
export type PluginFailureCause = 'error' | 'timeout' | 'slow';

export interface PluginServices {
  readonly clock: Clock;
  /** Counts it. `error`: of one that nobody else hears of. */
  onFailure(module: string, hook: string, cause: PluginFailureCause, error?: Error): void;
}

type Hook = (...given: readonly unknown[]) => unknown;

const hookNames = [
  'createState',
  'onRequestHead',
  'onRequestChunk',
  'onRequestEnd',
  'onResponseHead',
  'onResponseChunk',
  'onResponseEnd',
  'onMessage',
  'onExpire',
  'onEnd',
] as const;

type HookName = (typeof hookNames)[number];
type Hooks = Readonly<Partial<Record<HookName, Hook>>>;

/** Throws what the module throws, and where it does not give hooks. */
export function createPluginFilter(
  name: string,
  settings: PluginSettings,
  create: CreatePlugin,
  services: PluginServices,
): Filter<PluginContext> {
  const hooks = readHooks(create({ name, config: settings.config }));
  const run = new HookRunner(settings, services);
  const has = (hook: HookName): boolean => hooks[hook] !== undefined;
  const head =
    (hook: 'onRequestHead' | 'onResponseHead', fields: 'upstreamFields' | 'responseFields') =>
    (exchange: FilterExchange, context: PluginContext) =>
      run.hook(
        hook,
        context,
        exchange,
        () => hooks[hook]!(context.exchange, context.state),
        (given) => {
          const verdict = readVerdict(given);
          context.keepHead(fields);
          return verdict;
        },
      );
  const chunk =
    (hook: 'onRequestChunk' | 'onResponseChunk') =>
    (bytes: Uint8Array, exchange: FilterExchange, context: PluginContext) =>
      run.hook(
        hook,
        context,
        exchange,
        () => hooks[hook]!(bytes, context.exchange, context.state),
        readChunk,
        bytes,
      );
  const end =
    (hook: 'onRequestEnd' | 'onResponseEnd') => (exchange: FilterExchange, context: PluginContext) =>
      run.hook(hook, context, exchange, () => hooks[hook]!(context.exchange, context.state), readChunk);
  const onRequestHead = has('onRequestHead') ? head('onRequestHead', 'upstreamFields') : undefined;
  return {
    kind: 'plugin',
    name,
    sources: 'any',
    createState: () => new PluginContext(settings.namespace),
    onRequestHead: (exchange, context) => {
      // It may know of the caller what nobody else does.
      exchange.isJudgedElsewhere = true;
      if (hooks.createState !== undefined)
        context.state = run.now('createState', context, exchange, () => hooks.createState!(), asItIs);
      return onRequestHead?.(exchange, context);
    },
    ...(has('onRequestChunk') && { onRequestChunk: chunk('onRequestChunk') }),
    ...(has('onRequestEnd') && { onRequestEnd: end('onRequestEnd') }),
    ...(has('onResponseHead') && { onResponseHead: head('onResponseHead', 'responseFields') }),
    ...(has('onResponseChunk') && { onResponseChunk: chunk('onResponseChunk') }),
    ...(has('onResponseEnd') && { onResponseEnd: end('onResponseEnd') }),
    ...(has('onMessage') && {
      onMessage: (message, exchange, context) =>
        run.now(
          'onMessage',
          context,
          exchange,
          () => hooks.onMessage!(message, context.exchange, context.state),
          readMessageRefusal,
        ),
    }),
    ...(has('onExpire') && {
      onExpire: (exchange, context) =>
        run.now(
          'onExpire',
          context,
          exchange,
          () => hooks.onExpire!(context.exchange, context.state),
          readTime,
        ),
    }),
    ...(has('onEnd') && {
      onEnd: (exchange, outcome, context) =>
        run.now(
          'onEnd',
          context,
          exchange,
          () => hooks.onEnd!(context.exchange, outcome, context.state),
          nothing,
        ),
    }),
  };
}

function readHooks(given: unknown): Hooks {
  if (typeof given !== 'object' || given === null || given instanceof Promise)
    throw new TypeError('its default export gives no object with hooks');
  const hooks: Partial<Record<HookName, Hook>> = {};
  for (const name of hookNames) {
    const hook: unknown = (given as Record<string, unknown>)[name];
    if (hook === undefined) continue;
    if (typeof hook !== 'function') throw new TypeError(`${name} is no function`);
    // Bound: a plugin may be an object of a class.
    hooks[name] = hook.bind(given) as Hook;
  }
  const unknown = Object.keys(given).find(
    (key) => /^on[A-Z]/.test(key) && !hookNames.some((name) => name === key),
  );
  if (unknown !== undefined)
    throw new TypeError(`${unknown} is no hook; the hooks are ${hookNames.join(', ')}`);
  if (Object.keys(hooks).length === 0) throw new TypeError('its default export gives no hooks');
  return hooks;
}

const asItIs = (given: unknown): unknown => given;
const nothing = (): undefined => undefined;

class HookRunner {
  readonly #settings: PluginSettings;
  readonly #services: PluginServices;
  readonly #deadlines: HookDeadlines;

  constructor(settings: PluginSettings, services: PluginServices) {
    this.#settings = settings;
    this.#services = services;
    this.#deadlines = new HookDeadlines(services.clock, settings.timeoutMs);
  }

  /** `read`: of what the hook gives. `open`: in its place, where it fails and may. Throws, or rejects, where it may not. */
  hook<T>(
    name: HookName,
    context: PluginContext,
    exchange: FilterExchange,
    call: () => unknown,
    read: (given: unknown) => T,
    open?: T,
  ): Sooner<T | undefined> {
    const given = this.#begin(name, context, exchange, call);
    if ('error' in given) return this.#failed(name, 'error', given.error, open);
    if ('promise' in given) return this.#settled(name, context, given.promise, read, open);
    context.leave();
    return this.#finished(name, () => read(given.value), open);
  }

  /** Of a hook that cannot wait. */
  now<T>(
    name: HookName,
    context: PluginContext,
    exchange: FilterExchange,
    call: () => unknown,
    read: (given: unknown) => T,
  ): T | undefined {
    const given = this.#begin(name, context, exchange, call);
    if ('error' in given) return this.#failed(name, 'error', given.error, undefined);
    context.leave();
    if (!('promise' in given)) return this.#finished(name, () => read(given.value), undefined);
    // Nobody waits for it, and nobody else would hear of its end.
    given.promise.then(nothing, nothing);
    return this.#failed(name, 'error', new TypeError('must not be async'), undefined);
  }

  #begin(name: HookName, context: PluginContext, exchange: FilterExchange, call: () => unknown): Given {
    const { clock } = this.#services;
    const { module, timeoutMs } = this.#settings;
    const beganMs = clock.monotonicMs();
    context.enter(exchange);
    let given: Given;
    try {
      const value = call();
      // The one look at it outside of `read`: even that may throw.
      given = isThenable(value) ? { promise: Promise.resolve(value) } : { value };
    } catch (error) {
      context.leave();
      given = { error };
    }
    const tookMs = clock.monotonicMs() - beganMs;
    if (tookMs > timeoutMs) {
      const slow = new Error(`computed for ${Math.round(tookMs)} ms, while nothing else could`);
      this.#services.onFailure(module, name, 'slow', slow);
    }
    return given;
  }

  #settled<T>(
    name: HookName,
    context: PluginContext,
    promise: Promise<unknown>,
    read: (given: unknown) => T,
    open: T | undefined,
  ): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (value: () => T | undefined): void => {
        this.#deadlines.remove(pending);
        context.leave();
        try {
          resolve(value());
        } catch (error) {
          reject(error);
        }
      };
      let isOver = false;
      const once = (value: () => T | undefined): void => {
        if (isOver) return;
        isOver = true;
        settle(value);
      };
      const onLate = (): void => {
        if (context.waits > 0) pending = this.#deadlines.add(onLate);
        else {
          const late = new Error(`was not done after ${this.#settings.timeoutMs} ms`);
          once(() => this.#failed(name, 'timeout', late, open));
        }
      };
      let pending = this.#deadlines.add(onLate);
      promise.then(
        (given) => once(() => this.#finished(name, () => read(given), open)),
        (error: unknown) => once(() => this.#failed(name, 'error', error, open)),
      );
    });
  }

  #finished<T>(name: HookName, read: () => T, open: T | undefined): T | undefined {
    try {
      return read();
    } catch (error) {
      return this.#failed(name, 'error', error, open);
    }
  }

  #failed<T>(name: HookName, cause: PluginFailureCause, error: unknown, open: T | undefined): T | undefined {
    const { module, failsOpen } = this.#settings;
    const named = new Error(`plugin ${module}: ${name}: ${messageOf(error)}`, { cause: error });
    this.#services.onFailure(module, name, cause, failsOpen ? named : undefined);
    if (failsOpen) return open;
    throw named;
  }
}

/** What came of calling a hook. */
type Given =
  | { readonly value: unknown }
  | { readonly promise: Promise<unknown> }
  | { readonly error: unknown };

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
