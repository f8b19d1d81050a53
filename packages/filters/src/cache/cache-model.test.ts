// Whatever happens in whatever order: nobody sees what is another's, what has changed, or what is too old, and nobody waits for ever.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';
import * as fc from 'fast-check';

import type { Identity } from '../identity.ts';
import { type CacheClient, CacheWorld, settled, type UpstreamAnswer } from '../testing/cache-world.ts';

const callers = [undefined, 'ann', 'bob'] as const;
/** Authorization that goes upstream, whoever the gateway knows the caller to be. */
const tokens = [undefined, undefined, 'one', 'two'] as const;
const languages = [undefined, 'de', 'en'] as const;
const paths = ['/a', '/b', '/c'] as const;
const controls = [
  'max-age=5',
  'public, max-age=5',
  's-maxage=5, max-age=1',
  'private, max-age=5',
  'no-store',
  'no-cache, max-age=5',
  'max-age=1, stale-while-revalidate=3',
  'public, max-age=1, must-revalidate',
  'max-age=1, stale-if-error=3',
] as const;

const place = <T>(values: readonly T[]) => fc.constantFrom(...values);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      path: place(paths),
      caller: place(callers),
      token: place(tokens),
      language: place(languages),
      method: place(['GET', 'GET', 'GET', 'HEAD', 'POST']),
      control: place([undefined, undefined, undefined, 'no-cache', 'max-stale', 'no-store', 'max-age=1']),
    }),
  },
  // Of those that are under way, by its place among them.
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which: fc.nat(20),
      control: place(controls),
      isVaried: fc.boolean(),
      isTagged: fc.boolean(),
      how: place(['whole', 'whole', 'whole', 'head', 'fail', 'down']),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('rest' as const), which: fc.nat(20), isCut: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      control: place(controls),
      isLost: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: place([100, 900, 1500, 4000]) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge' as const), path: place(paths) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What an answer tells of itself in its body. */
interface Tag {
  readonly path: string;
  readonly caller: string | null;
  readonly token: string | null;
  readonly language: string | null;
  readonly isVaried: boolean;
  readonly isTagged: boolean;
  readonly control: string;
  readonly version: number;
  readonly madeMs: number;
  readonly id: number;
}

/** A request with all that is known of it beside what the cache is told. */
interface Open {
  readonly client: CacheClient;
  readonly caller: string | undefined;
  readonly language: string | undefined;
  /** Of its path, when it was sent: nothing older may come back. */
  readonly floor: number;
  readonly askedMs: number;
  given: UpstreamAnswer | undefined;
  /** It has not seen the end of its answer. */
  isCut: boolean;
  isJudged: boolean;
}

class Model {
  readonly world = new CacheWorld(
    { staleWhileRevalidateMs: 2000, staleIfErrorMs: 2000, entryBytesMax: 400 },
    [],
    8192,
  );
  readonly open: Open[] = [];
  /** Changes of each path that have been answered. */
  readonly versions = new Map<string, number>();
  /** Versions that may not be given any more. */
  readonly floors = new Map<string, number>();
  #lastId = 0;

  async take(given: Step): Promise<void> {
    switch (given.kind) {
      case 'ask':
        this.#ask(given);
        break;
      case 'answer':
        this.#answer(given);
        break;
      case 'rest':
        this.#rest(given.which, given.isCut);
        break;
      case 'refresh':
        this.#refresh(given);
        break;
      case 'leave':
        this.#leave(given.which);
        break;
      case 'pass':
        this.world.pass(given.ms);
        break;
      case 'purge':
        this.floors.set(given.path, this.versions.get(given.path) ?? 0);
        runAtOnce(this.world.store.purge({ route: 'default/r', path: given.path }));
    }
    await settled();
    this.#judge();
  }

  /** Whatever is under way comes to its end; nobody is left. */
  async finish(): Promise<void> {
    for (let turn = 0; turn < 100 && this.#alive.length > 0; turn += 1) {
      for (const refreshing of this.world.refreshing.splice(0)) refreshing.answer(undefined);
      for (const each of this.#alive) {
        if (each.client.state === 'asking') {
          each.given = this.#made(each, 'no-store', false, false);
          each.client.answer(each.given);
        } else if (each.client.state === 'answering') each.client.rest(each.given!);
      }
      await settled();
    }
    assert.deepEqual(
      this.#alive.map(({ client }) => client.state),
      [],
      'nobody waits for ever',
    );
    this.#judge();
    const { store, flights } = this.world;
    for (const path of paths) assert.equal(flights.find(path), undefined);
    assert.equal(store.reserve(8192), true, 'what was on its way has given its room back');
    runAtOnce(store.purge({}));
    assert.deepEqual([store.counts.bytes, store.counts.entries], [0, 0]);
  }

  get #alive(): Open[] {
    return this.open.filter(({ client }) => client.state !== 'over');
  }

  #ask(given: Extract<Step, { kind: 'ask' }>): void {
    const { path, caller, token, language, method, control } = given;
    const headers = {
      ...(token !== undefined && { authorization: token }),
      ...(language !== undefined && { 'accept-language': language }),
      ...(control !== undefined && { 'cache-control': control }),
    };
    const floor = this.floors.get(path) ?? 0;
    const askedMs = this.world.nowMs;
    const identity = identityOf(caller);
    const client = this.world.ask(path, { method, identity }, headers);
    this.open.push({
      client,
      caller,
      language,
      floor,
      askedMs,
      given: undefined,
      isCut: false,
      isJudged: false,
    });
  }

  #answer({ which, control, isVaried, isTagged, how }: Extract<Step, { kind: 'answer' }>): void {
    const one = at(
      this.#alive.filter(({ client }) => client.state === 'asking'),
      which,
    );
    if (one === undefined) return;
    const { client } = one;
    if (how === 'fail') return client.fail();
    if (how === 'down') return client.answer({ status: 503, fields: [], body: 'down' });
    const { method, path } = client;
    if (method === 'POST') {
      const version = (this.versions.get(path) ?? 0) + 1;
      this.versions.set(path, version);
      client.answer({ status: 200, fields: ['cache-control', 'no-store'], body: 'changed' });
      this.floors.set(path, version);
      return;
    }
    // It says 304 where the version that it is asked about is the one there is.
    const condition = client.upstreamFields[client.upstreamFields.indexOf('if-none-match') + 1];
    if (client.upstreamFields.includes('if-none-match') && condition === this.#etag(path))
      return client.answer({ status: 304, fields: [], body: '' });
    const answer = this.#made(one, control, isVaried, isTagged);
    one.given = answer;
    if (how === 'whole' || client.method === 'HEAD') client.answer(answer);
    else client.head(answer);
  }

  #leave(which: number): void {
    const one = at(this.#alive, which);
    if (one === undefined) return;
    one.isCut = true;
    one.client.leave();
  }

  #rest(which: number, isCut: boolean): void {
    const one = at(
      this.#alive.filter(({ client }) => client.state === 'answering'),
      which,
    );
    if (one === undefined) return;
    one.isCut = isCut;
    if (isCut) one.client.fail();
    else one.client.rest(one.given!);
  }

  #refresh({ control, isLost }: Extract<Step, { kind: 'refresh' }>): void {
    const refreshing = this.world.refreshing.shift();
    if (refreshing === undefined) return;
    const { client, fields } = refreshing;
    assert.equal(client.method, 'GET');
    if (isLost) return refreshing.answer(undefined);
    if (fields.includes(this.#etag(client.path)))
      return refreshing.answer({ status: 304, fields: [], body: '' });
    const asked = {
      path: client.path,
      caller: client.identity?.consumer,
      token: client.headers.get('authorization'),
      language: client.headers.get('accept-language'),
    };
    refreshing.answer(this.#answerTo(asked, control, false, false));
  }

  #made(
    { client, caller, language }: Open,
    control: string,
    isVaried: boolean,
    isTagged: boolean,
  ): UpstreamAnswer {
    const token = client.headers.get('authorization');
    return this.#answerTo({ path: client.path, caller, token, language }, control, isVaried, isTagged);
  }

  #answerTo(
    asked: Record<'caller' | 'token' | 'language', string | undefined> & { path: string },
    control: string,
    isVaried: boolean,
    isTagged: boolean,
  ): UpstreamAnswer {
    const { path } = asked;
    this.#lastId += 1;
    const version = this.versions.get(path) ?? 0;
    const tag: Tag = {
      path,
      caller: asked.caller ?? null,
      token: asked.token ?? null,
      language: asked.language ?? null,
      isVaried,
      isTagged: isTagged && control.includes('public') && !isVaried,
      control,
      version,
      madeMs: this.world.nowMs,
      id: this.#lastId,
    };
    const fields = ['cache-control', control, ...(isVaried ? ['vary', 'accept-language'] : [])];
    // Only what is the same for everybody has a tag that says so.
    if (tag.isTagged) fields.push('etag', this.#etag(path));
    return { status: 200, fields, body: JSON.stringify(tag) };
  }

  #etag(path: string): string {
    return `"${this.versions.get(path) ?? 0}"`;
  }

  #judge(): void {
    for (const one of this.open) {
      if (one.isJudged || one.client.state !== 'over') continue;
      one.isJudged = true;
      this.#judgeOne(one);
    }
  }

  #judgeOne({ client, floor, given, ...one }: Open): void {
    const { caller = null, language = null } = one;
    const { body, method, responseStatus: status } = client;
    if (method === 'HEAD') assert.equal(body, '', 'a HEAD has no body');
    if (method !== 'GET' || status !== 200 || one.isCut) return;
    const tag = JSON.parse(body) as Tag;
    const what = JSON.stringify({ tag, caller, language, floor, cached: client.cached });
    assert.equal(tag.path, client.path, what);
    if (!/public|s-maxage/.test(tag.control)) {
      assert.equal(tag.caller, caller, what);
      // Whom nobody has asked for his name may have what answers no Authorization.
      const token = client.headers.get('authorization') ?? null;
      assert.ok(tag.token === token || (caller === null && tag.token === null), what);
    }
    if (tag.isVaried) assert.equal(tag.language, language, what);
    assert.ok(tag.version >= floor, `nothing comes back that has changed: ${what}`);
    if (given === undefined) assert.doesNotMatch(tag.control, /private|no-store/, what);
    // What has a tag may have been confirmed since.
    if (client.cached === 'hit' && !tag.isTagged)
      assert.ok(this.world.nowMs - tag.madeMs <= 9000, `nothing is given for ever: ${what}`);
  }
}

function identityOf(consumer: string | undefined): Identity | undefined {
  return consumer === undefined
    ? undefined
    : { consumer, namespace: 'default', isConsumer: true, groups: [], scopes: [], claims: {} };
}

function at<T>(values: readonly T[], which: number): T | undefined {
  return values[which % Math.max(1, values.length)];
}

it('a cache between random clients and a random upstream', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
      const model = new Model();
      for (const each of steps) await model.take(each);
      await model.finish();
    }),
    { numRuns: 400 },
  );
});
