// What a real provider cannot be made to do, and what happens in the middle of an answer; the rest is tested end to end.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAnyOfFilter } from '../any-of.ts';
import type { AuthenticationFilter } from '../authentication.ts';
import { createBasicAuthFilter } from '../basic-auth/basic-auth.ts';
import { PasswordCheck } from '../basic-auth/password-check.ts';
import { enforcedFor } from '../enforced.ts';
import type { Filter } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { KeySets } from '../jwt/key-sets.ts';
import { TokenVerifier, type VerifierSettings } from '../jwt/token-verifier.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { loginServices } from '../testing/login-services.ts';
import { testIssuer } from '../testing/tokens.ts';
import { verifierSettings } from '../testing/verifier-settings.ts';
import { LoginKeys } from './login-keys.ts';
import type { LoginServices } from './login-services.ts';
import { OidcFilter, type OidcSettings } from './oidc.ts';
import type { GrantedTokens, ProviderAnswer, ProviderQuestion } from './provider.ts';

const issuer = await testIssuer();
const verifierWith = (more: Partial<VerifierSettings> = {}): TokenVerifier =>
  new TokenVerifier(
    verifierSettings(issuer, { clientId: 'gateway', ...more }),
    new KeySets(() => Promise.resolve()),
    Date.now,
  );
const verifier = verifierWith();
const settings: OidcSettings = {
  provider: 'default/corp',
  scopes: ['openid'],
  callbackPath: '/callback',
  logoutPath: '/logout',
  cookie: { name: 's', ttlMs: 3_600_000, sameSite: 'Lax', domain: undefined },
  forwardsToken: false,
  redirects: true,
};
const endpoints = { authorization: 'https://id.test/auth?own=1', endSession: undefined };
const html = { accept: 'text/html' };

/** One browser at one filter, and a provider that answers as the test says. */
class World {
  tokens: Partial<GrantedTokens> = {};
  answer: (question: ProviderQuestion) => Promise<ProviderAnswer> | undefined = () => undefined;
  nowMs = Date.now();
  nonce = '';
  verifier = verifier;
  readonly asked: string[] = [];
  readonly cookies = new Map<string, string>();
  readonly services: LoginServices;
  readonly filter: OidcFilter;
  /** Of the Route that the next request meets. */
  chain: Filter;

  constructor(more: Partial<OidcSettings> = {}, wrap: (filter: OidcFilter) => Filter = (filter) => filter) {
    this.services = loginServices({
      wallMs: () => this.nowMs,
      monotonicMs: () => this.nowMs,
      ask: async (question) => {
        this.asked.push(question.ask);
        return (await this.answer(question)) ?? this.#plain(question);
      },
    });
    this.filter = new OidcFilter('oidc', { ...settings, ...more }, this.services);
    this.chain = wrap(this.filter);
  }

  async #plain({ ask }: ProviderQuestion): Promise<ProviderAnswer> {
    if (ask === 'endpoints') return { endpoints };
    const idToken = await issuer.sign({ aud: 'gateway', nonce: this.nonce });
    return {
      tokens: {
        accessToken: 'access',
        idToken,
        refreshToken: 'refresh',
        lifeSeconds: 100,
        scope: undefined,
        ...this.tokens,
      },
    };
  }

  /** A request, until it is answered or goes upstream. */
  async ask(path: string, headers: Record<string, string> = {}, query?: string): Promise<FakeOwner> {
    const owner = new FakeOwner(new FilterChain([this.chain]));
    owner.path = path;
    owner.query = query;
    owner.verifiers.set('default/corp', this.verifier);
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    for (const [name, value] of Object.entries({ ...(cookie !== '' && { cookie }), ...headers })) {
      owner.headers.set(name, value);
      owner.upstreamFields.push(name, value);
    }
    const sent = new Promise<void>((resolve) => {
      owner.onSent = () => resolve();
    });
    owner.chain.requestHead(owner);
    await sent;
    return owner;
  }

  /** Keeps the cookies of an answer. */
  keep(fields: readonly string[]): void {
    for (let at = 0; at < fields.length; at += 2) {
      if (fields[at] !== 'set-cookie') continue;
      const [pair = ''] = fields[at + 1]!.split(';');
      const equals = pair.indexOf('=');
      if (fields[at + 1]!.includes('Max-Age=0')) this.cookies.delete(pair.slice(0, equals));
      else this.cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
  }

  /** The state of a login that was begun. */
  async begin(): Promise<string> {
    const fields = answerOf(await this.ask('/', html));
    this.keep(fields);
    const url = new URL(fields[fields.indexOf('location') + 1]!);
    assert.equal(url.searchParams.get('own'), '1');
    this.nonce = url.searchParams.get('nonce')!;
    return url.searchParams.get('state')!;
  }

  async logIn(): Promise<void> {
    const state = await this.begin();
    this.keep(answerOf(await this.ask('/callback', html, `code=c&state=${state}`)));
    assert.deepEqual([...this.cookies.keys()], ['s']);
  }
}

function answerOf({ response }: FakeOwner): readonly string[] {
  assert.ok(response?.kind === 'answer', JSON.stringify(response));
  return response.fields;
}

const reasonOf = ({ response }: FakeOwner): string =>
  response?.kind === 'refusal' ? response.reason : 'none';

describe('the filter oidc', () => {
  it('refuses a login with another nonce, and one that would be over at once', async () => {
    const world = new World();
    let state = await world.begin();
    world.nonce = 'another';
    assert.equal(
      reasonOf(await world.ask('/callback', html, `code=c&state=${state}`)),
      'upstream_protocol_error',
    );
    state = await world.begin();
    world.tokens = { refreshToken: undefined, lifeSeconds: 0 };
    const refused = await world.ask('/callback', html, `code=c&state=${state}`);
    assert.equal(reasonOf(refused), 'upstream_protocol_error');
    // The attempt is used up.
    assert.ok(refused.response?.kind === 'refusal');
    world.keep(refused.response.fields!);
    assert.equal(reasonOf(await world.ask('/callback', html, `code=c&state=${state}`)), 'bad_request');
  });

  it('refuses a login that took too long, and tokens that no cookies hold', async () => {
    const world = new World({ forwardsToken: true });
    const state = await world.begin();
    world.nowMs += 600_000;
    assert.equal(reasonOf(await world.ask('/callback', html, `code=c&state=${state}`)), 'bad_request');
    const second = await world.begin();
    world.tokens = { accessToken: 'x'.repeat(16_000) };
    assert.equal(
      reasonOf(await world.ask('/callback', html, `code=c&state=${second}`)),
      'upstream_protocol_error',
    );
    world.tokens = { accessToken: 'x'.repeat(8000) };
    world.cookies.clear();
    const third = await world.begin();
    world.keep(answerOf(await world.ask('/callback', html, `code=c&state=${third}`)));
    assert.deepEqual([...world.cookies.keys()], ['s', 's.1', 's.2']);
    assert.ok((await world.ask('/')).upstreamFields.includes(`Bearer ${'x'.repeat(8000)}`));
    world.cookies.delete('s.1');
    assert.equal(reasonOf(await world.ask('/')), 'unauthenticated');
  });

  it('gives a session what its login was begun for, whichever Route takes the answer, and ends it on any', async () => {
    const world = new World();
    const more = { ...settings, scopes: ['openid', 'admin'], forwardsToken: true };
    const strict = new OidcFilter('oidc', more, world.services);
    const state = await world.begin();
    world.chain = strict;
    world.keep(answerOf(await world.ask('/callback', html, `code=c&state=${state}`)));
    assert.equal(reasonOf(await world.ask('/admin')), 'unauthenticated');
    world.chain = world.filter;
    assert.deepEqual((await world.ask('/')).identity?.scopes, ['openid']);
    const copy = new Map(world.cookies);
    world.chain = strict;
    world.keep(answerOf(await world.ask('/logout', { 'sec-fetch-site': 'same-origin' })));
    world.chain = world.filter;
    for (const [name, value] of copy) world.cookies.set(name, value);
    assert.equal(reasonOf(await world.ask('/')), 'unauthenticated');
  });

  it('looks at every cookie of the name, and takes all of them away', async () => {
    const cookie = { name: 's', ttlMs: 3_600_000, sameSite: 'Lax', domain: 'a.test' };
    const world = new World({ cookie });
    await world.logIn();
    const over = world.cookies.get('s')!;
    world.nowMs += 3_600_000;
    await world.logIn();
    const both = { cookie: `s=${over}; s=1.junk; s=${world.cookies.get('s')}` };
    const owner = await world.ask('/', both);
    assert.deepEqual([reasonOf(owner), owner.upstreamFields.includes('cookie')], ['none', false]);
    const fields = answerOf(await world.ask('/logout', both));
    const gone = fields.filter((field) => field.startsWith('s=;'));
    assert.equal(gone.length, 2);
    assert.deepEqual(
      gone.map((field) => field.includes('; Domain=a.test;')),
      [false, true],
    );
    assert.equal(reasonOf(await world.ask('/', both)), 'unauthenticated');
  });

  it('gives cookies with a prefix what browsers ask of them', async () => {
    const cookie = { name: '__Host-s', ttlMs: 3_600_000, sameSite: 'Lax', domain: undefined };
    const fields = answerOf(await new World({ cookie }).ask('/', html));
    const set = fields.find((field) => field.startsWith('__Host-s.login'))!;
    assert.match(set, /; Path=\/; .*; Secure;/);
    assert.ok(!set.includes('Domain'));
  });

  it('ends a session at its time, whatever could be refreshed', async () => {
    const world = new World();
    await world.logIn();
    world.nowMs += 3_599_999;
    assert.equal(reasonOf(await world.ask('/')), 'none');
    world.nowMs += 1;
    assert.equal(reasonOf(await world.ask('/')), 'unauthenticated');
  });

  it('holds sessions that are there to what was written since', async () => {
    const world = new World();
    await world.logIn();
    const began = world.nowMs;
    const cookie = { ...settings.cookie, ttlMs: 60_000 };
    world.chain = new OidcFilter('oidc', { ...settings, cookie }, world.services);
    assert.deepEqual((await world.ask('/')).expiries, [began + 60_000]);
    world.nowMs += 60_000;
    assert.equal(reasonOf(await world.ask('/')), 'unauthenticated');
    world.chain = world.filter;
    assert.equal(reasonOf(await world.ask('/')), 'none');
    const requiredClaims = (value: string): Partial<VerifierSettings> => ({
      requiredClaims: [{ claim: 'sub', values: [value] }],
    });
    world.verifier = verifierWith(requiredClaims('alice'));
    assert.equal(reasonOf(await world.ask('/')), 'none');
    world.verifier = verifierWith(requiredClaims('bob'));
    assert.equal(reasonOf(await world.ask('/')), 'unauthenticated');
  });

  it('refuses who has logged in without the claims that are required', async () => {
    const world = new World();
    world.verifier = verifierWith({ requiredClaims: [{ claim: 'staff', values: [true] }] });
    const state = await world.begin();
    assert.equal(reasonOf(await world.ask('/callback', html, `code=c&state=${state}`)), 'forbidden');
  });

  it('keeps what is left of logins in several tabs', async () => {
    const world = new World();
    const attempts = (): string[] => [...world.cookies.keys()].filter((name) => /^s\.login\d$/.test(name));
    const states: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      states.push(await world.begin());
      // Other browsers begin logins meanwhile.
      for (let other = 0; other < 3; other += 1) await world.ask('/', { ...html, cookie: '' });
    }
    assert.equal(attempts().length, 4);
    const { nonce } = world;
    assert.equal(
      reasonOf(await world.ask('/callback', html, `code=c&state=${states[0]}`)),
      'upstream_protocol_error',
    );
    world.keep(answerOf(await world.ask('/callback', html, `code=c&state=${states[3]}`)));
    assert.equal(world.nonce, nonce);
    assert.deepEqual([attempts().length, world.cookies.has('s')], [3, true]);
    const seen = await world.ask('/');
    assert.deepEqual([reasonOf(seen), seen.upstreamFields], ['none', []]);
    // A fifth takes the place of the oldest.
    world.cookies.delete('s');
    states.push(await world.begin(), await world.begin());
    const oldest = await world.ask('/callback', html, `error=access_denied&state=${states[0]}`);
    const second = await world.ask('/callback', html, `error=access_denied&state=${states[1]}`);
    assert.deepEqual([reasonOf(oldest), reasonOf(second)], ['bad_request', 'forbidden']);
  });

  it('tells the browser nothing of a refresh once its user has logged out meanwhile', async () => {
    const world = new World();
    await world.logIn();
    world.nowMs += 90_000;
    const refreshed = await world.ask('/');
    assert.equal(reasonOf(refreshed), 'none');
    refreshed.upstreamAnswers(200);
    assert.ok(refreshed.responseFields.includes('set-cookie'));
    world.keep(refreshed.responseFields);
    world.nowMs += 90_000;
    const late = await world.ask('/');
    world.keep(answerOf(await world.ask('/logout', { 'sec-fetch-site': 'same-origin' })));
    assert.equal(world.cookies.size, 0);
    late.upstreamAnswers(200);
    assert.deepEqual(late.responseFields, []);
  });

  it('leaves alone what the application says of the session in the same answer', async () => {
    const world = new World();
    await world.logIn();
    world.nowMs += 90_000;
    const owner = await world.ask('/');
    owner.responseStatus = 200;
    owner.responseFields = ['Set-Cookie', 's=; Max-Age=0'];
    owner.chain.responseHead(owner);
    assert.deepEqual(owner.responseFields, ['Set-Cookie', 's=; Max-Age=0']);
  });

  it('asks a provider that is away only now and then, while its tokens are good', async () => {
    const world = new World();
    await world.logIn();
    world.answer = () => Promise.resolve({ fault: 'unavailable' });
    world.asked.length = 0;
    world.nowMs += 90_000;
    for (let count = 0; count < 3; count += 1) assert.equal(reasonOf(await world.ask('/')), 'none');
    assert.deepEqual(world.asked, ['refresh']);
    world.nowMs += 10_000;
    assert.equal(reasonOf(await world.ask('/', html)), 'auth_unavailable');
    world.answer = () => Promise.resolve({ fault: 'refused' });
    assert.equal(reasonOf(await world.ask('/')), 'unauthenticated');
  });

  it('ends a session that is refused newer tokens when those that it has end, and streams with them', async () => {
    const world = new World();
    await world.logIn();
    const endMs = world.nowMs + 100_000;
    assert.deepEqual((await world.ask('/')).expiries, [endMs]);
    world.answer = () => Promise.resolve({ fault: 'refused' });
    world.nowMs += 99_999;
    assert.equal(reasonOf(await world.ask('/')), 'none');
    world.nowMs += 1;
    assert.equal(reasonOf(await world.ask('/')), 'unauthenticated');
  });

  it('says that nobody can be let in rather than to log in, while there are no keys or no provider', async () => {
    const world = new World();
    Object.assign(world.services, { keys: new LoginKeys(undefined) });
    assert.equal(reasonOf(await world.ask('/', html)), 'auth_unavailable');
    assert.equal(reasonOf(await world.ask('/')), 'auth_unavailable');
    const away = new World();
    away.answer = () => Promise.resolve({ fault: 'unavailable' });
    assert.equal(reasonOf(await away.ask('/', html)), 'auth_unavailable');
    assert.equal(reasonOf(await away.ask('/')), 'unauthenticated');
  });

  it('logs out although the provider is away', async () => {
    const world = new World();
    await world.logIn();
    world.answer = () => Promise.resolve({ fault: 'unavailable' });
    world.nowMs += 2000;
    const fields = answerOf(await world.ask('/logout'));
    world.keep(fields);
    assert.equal(world.cookies.size, 0);
    assert.ok(!fields.includes('location'));
  });

  it('sends nobody to the login where it is tried out, and counts who would be', async () => {
    const world = new World({}, (filter) => enforcedFor(filter, 0));
    const owner = await world.ask('/', html);
    assert.deepEqual([reasonOf(owner), owner.refusals], ['none', ['would oidc unauthenticated']]);
    const program = await world.ask('/', { authorization: 'Basic x' });
    assert.deepEqual([reasonOf(program), program.upstreamFields], ['none', ['authorization', 'Basic x']]);
  });

  it('keeps an Authorization of the client from upstreams that get tokens, whichever way is taken', async () => {
    const key: AuthenticationFilter = {
      kind: 'apiKey',
      name: 'key',
      challenge: 'ApiKey',
      isOptional: true,
      hasCredentials: (exchange) => exchange.requestHeader('key') !== undefined,
      checksAuthorization: (exchange) => exchange.requestHeader('key') === 'authorization',
    };
    const anyOf = (filter: OidcFilter): Filter => createAnyOfFilter('anyOf', [key, filter]);
    const seen = async (world: World, headers: Record<string, string>): Promise<readonly string[]> =>
      (await world.ask('/', { authorization: 'Bearer forged', ...headers })).upstreamFields;
    const world = new World({ forwardsToken: true }, anyOf);
    assert.deepEqual(await seen(world, {}), []);
    assert.deepEqual(await seen(world, { key: 'x' }), ['key', 'x']);
    const checked = await seen(world, { key: 'authorization' });
    assert.deepEqual(checked.slice(0, 2), ['authorization', 'Bearer forged']);
    const without = new World({}, anyOf);
    assert.deepEqual(await seen(without, {}), ['authorization', 'Bearer forged']);
  });

  it('answers its own paths within anyOf, whatever credentials come along', async () => {
    const basic = createBasicAuthFilter(
      'basic',
      { namespace: 'default', realm: 'r', isOptional: true, forwardsCredentials: false },
      new PasswordCheck({ monotonicMs: () => 0 }),
    );
    const world = new World({}, (filter) => createAnyOfFilter('anyOf', [basic, filter]));
    const authorization = 'Basic YTpi';
    assert.equal(reasonOf(await world.ask('/callback', { authorization })), 'bad_request');
    answerOf(await world.ask('/logout', { authorization }));
  });

  it('invites where it is one of several ways, whose answers carry its cookies too', async () => {
    const world = new World({}, (filter) => createAnyOfFilter('anyOf', [filter]));
    await world.logIn();
    world.nowMs += 90_000;
    const owner = await world.ask('/');
    owner.upstreamAnswers(200);
    assert.ok(owner.responseFields.includes('set-cookie'));
    assert.ok(!owner.upstreamFields.includes('cookie'));
  });
});
