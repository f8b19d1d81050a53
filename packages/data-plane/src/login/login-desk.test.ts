import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ProviderAnswer, ProviderQuestion } from '@causeway/filters/oidc/provider';
import { CompiledAuthProviderSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { NameResolver } from '@causeway/runtime/name-resolver';

import { listenRaw } from '../testing/raw-upstream.ts';
import { LoginDesk } from './login-desk.ts';

interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
}

const refresh = { intervalMs: 3_600_000, cooldownMs: 60_000, timeoutMs: 2000 };
const code = { ask: 'code', code: 'c', codeVerifier: 'v', redirectUri: 'https://a.test/callback' } as const;
const tokens = {
  access_token: 'a',
  token_type: 'Bearer',
  id_token: 'i',
  expires_in: '60',
  refresh_token: 'r2',
};

/** A provider that answers as the test says, and a desk that knows it. */
class World {
  readonly asked: Asked[] = [];
  readonly lines: string[] = [];
  metadata: (issuer: string) => object = () => ({});
  token: { status: number; body: unknown } = { status: 200, body: tokens };
  tokensWait: Promise<void> | undefined;
  issuer = '';
  desk!: LoginDesk;

  static async start(
    t: TestContext,
    provider: MessageInitShape<typeof CompiledAuthProviderSchema> = {},
    isOwnPort = false,
  ): Promise<World> {
    const world = new World();
    const server = createServer((request, response) => void world.#answer(request, response));
    const port = await listenRaw(t, server);
    world.issuer = `http://127.0.0.1:${port}`;
    const resolver = new NameResolver({ clock: systemClock });
    const desk = new LoginDesk({
      clock: systemClock,
      logger: createLogger({ level: 'info', write: (line) => world.lines.push(line) }),
      resolver,
      ownPorts: { has: (each) => isOwnPort && each === port },
    });
    t.after(() => {
      desk.stop();
      resolver.close();
    });
    const value = create(CompiledAuthProviderSchema, {
      name: 'default/corp',
      issuer: world.issuer,
      clientId: 'gateway:1',
      refresh,
      ...provider,
    } as MessageInitShape<typeof CompiledAuthProviderSchema>);
    const changed = [{ kind: 'authprovider' as const, key: 'authprovider/default/corp', value }];
    const endpoints = new Map();
    desk.prepare({ revision: 1, items: SnapshotItems.empty, changed, removedKeys: [], endpoints });
    world.desk = desk;
    return world;
  }

  ask(question: object): Promise<ProviderAnswer> {
    return this.desk.ask({ provider: 'default/corp', ...question } as ProviderQuestion);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    this.asked.push({ path: request.url!, authorization: request.headers.authorization, form });
    const metadata = {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/auth`,
      token_endpoint: `${this.issuer}/token`,
      ...this.metadata(this.issuer),
    };
    if (request.url === '/token') await this.tokensWait;
    const { status, body } = request.url === '/token' ? this.token : { status: 200, body: metadata };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

const unavailable = { fault: 'unavailable' };

describe('LoginDesk', () => {
  it('exchanges codes, and proves itself as the provider wants it', async (t) => {
    const world = await World.start(t, { clientSecret: 'p&ss wörd' });
    assert.deepEqual(await world.ask(code), {
      tokens: { accessToken: 'a', idToken: 'i', refreshToken: 'r2', lifeSeconds: 60, scope: undefined },
    });
    const [, first] = world.asked;
    const login = Buffer.from(first!.authorization!.slice('Basic '.length), 'base64').toString();
    assert.equal(login, 'gateway%3A1:p%26ss+w%C3%B6rd');
    assert.deepEqual(Object.fromEntries(first!.form), {
      grant_type: 'authorization_code',
      code: 'c',
      redirect_uri: 'https://a.test/callback',
      code_verifier: 'v',
    });
    const other = await World.start(t, { clientSecret: 'p&ss' });
    other.metadata = () => ({ token_endpoint_auth_methods_supported: ['client_secret_post', 'none'] });
    await other.ask(code);
    assert.equal(other.asked[1]!.authorization, undefined);
    assert.equal(other.asked[1]!.form.get('client_secret'), 'p&ss');
    const open = await World.start(t);
    await open.ask(code);
    assert.equal(open.asked[1]!.authorization, undefined);
    assert.equal(open.asked[1]!.form.get('client_id'), 'gateway:1');
    assert.equal(open.asked[1]!.form.get('client_secret'), null);
  });

  it('asks once for metadata, and once for a refresh that several want', async (t) => {
    const world = await World.start(t);
    world.metadata = (issuer) => ({ end_session_endpoint: `${issuer}/end` });
    const endpoints = { authorization: `${world.issuer}/auth`, endSession: `${world.issuer}/end` };
    const found = await Promise.all([world.ask({ ask: 'endpoints' }), world.ask({ ask: 'endpoints' })]);
    assert.deepEqual(found, [{ endpoints }, { endpoints }]);
    const question = { ask: 'refresh', refreshToken: 'r1' } as const;
    const answers = await Promise.all([world.ask(question), world.ask(question)]);
    assert.deepEqual(answers[0], answers[1]);
    // A request of before may still come with the old token.
    assert.deepEqual(await world.ask(question), answers[0]);
    await world.ask({ ask: 'refresh', refreshToken: 'r2' });
    assert.deepEqual(
      world.asked.map(({ path }) => path),
      ['/.well-known/openid-configuration', '/token', '/token'],
    );
  });

  it('has one exchange at a time for a login, and a share for refreshes that logins leave alone', async (t) => {
    const world = await World.start(t);
    const { promise, resolve } = Promise.withResolvers<void>();
    world.tokensWait = promise;
    const twice = [world.ask(code), world.ask({ ...code, code: 'another' })];
    const others = Array.from({ length: 50 }, (_, n) => world.ask({ ...code, codeVerifier: `v${n}` }));
    assert.deepEqual(await others.at(-1), unavailable);
    const refreshed = world.ask({ ask: 'refresh', refreshToken: 'r1' });
    resolve();
    const answer = await refreshed;
    assert.ok('tokens' in answer);
    assert.deepEqual(await Promise.all(twice), [answer, answer]);
    const codes = world.asked.filter(({ form }) => form.has('code')).map(({ form }) => form.get('code'));
    assert.equal(codes.length, 50);
    assert.ok(!codes.includes('another'));
    await Promise.all(others);
    assert.ok('tokens' in (await world.ask(code)));
  });

  it('tells what the provider refuses from what nobody knows', async (t) => {
    const world = await World.start(t, { clientSecret: 'hidden secret' });
    const said = async (status: number, body: unknown): Promise<unknown> => {
      world.token = { status, body };
      return world.ask(code);
    };
    assert.deepEqual(await said(400, { error: 'invalid_grant' }), { fault: 'refused' });
    assert.deepEqual(await said(400, { error: 'invalid_request' }), unavailable);
    assert.deepEqual(await said(401, { error: 'invalid_client' }), unavailable);
    assert.deepEqual(await said(500, 'oops'), unavailable);
    assert.deepEqual(await said(200, 'no JSON'), unavailable);
    assert.deepEqual(await said(200, { ...tokens, token_type: 'mac' }), unavailable);
    assert.deepEqual(await said(200, { ...tokens, access_token: 'a b' }), unavailable);
    assert.deepEqual(await said(200, { ...tokens, expires_in: 'soon' }), unavailable);
    assert.deepEqual(await said(200, 'x'.repeat(300_000)), unavailable);
    assert.equal(world.lines.length, 1);
    assert.match(world.lines[0]!, /it answers with status 400 and error invalid_request/);
    assert.doesNotMatch(world.lines.join(), /hidden secret/);
    assert.deepEqual(await world.desk.ask({ provider: 'default/none', ask: 'endpoints' }), unavailable);
  });

  it('tells a session that is over from a provider that is away, whatever status it chooses', async (t) => {
    const world = await World.start(t);
    let asked = 0;
    const said = async (status: number, error: string): Promise<unknown> => {
      world.token = { status, body: { error } };
      asked += 1;
      return world.ask({ ask: 'refresh', refreshToken: `r${asked}` });
    };
    const refused = { fault: 'refused' };
    for (const status of [400, 401, 403]) {
      assert.deepEqual(await said(status, 'invalid_grant'), refused);
      assert.deepEqual(await said(status, 'interaction_required'), refused);
      assert.deepEqual(await said(status, 'login_required'), refused);
      assert.deepEqual(await said(status, 'consent_required'), refused);
      assert.deepEqual(await said(status, 'invalid_request'), refused);
      assert.deepEqual(await said(status, 'invalid_client'), unavailable);
      assert.deepEqual(await said(status, 'temporarily_unavailable'), unavailable);
    }
    for (const status of [408, 429, 500, 503])
      assert.deepEqual(await said(status, 'invalid_grant'), unavailable, String(status));
  });

  it('trusts no metadata of others, and asks nobody who must not be asked', async (t) => {
    const bad = [
      { issuer: 'https://evil.test' },
      { authorization_endpoint: undefined },
      { token_endpoint: 'http://192.0.2.1/token' },
      { authorization_endpoint: 'http://evil.test/auth' },
      { end_session_endpoint: 'javascript:alert(1)' },
    ];
    for (const metadata of bad) {
      const world = await World.start(t);
      world.metadata = () => metadata;
      assert.deepEqual(await world.ask({ ask: 'endpoints' }), unavailable, JSON.stringify(metadata));
    }
    const own = await World.start(t, {}, true);
    assert.deepEqual(await own.ask({ ask: 'endpoints' }), unavailable);
    assert.equal(own.asked.length, 0);
    const cloud = await World.start(t);
    cloud.metadata = () => ({ token_endpoint: 'https://169.254.169.254/token' });
    assert.deepEqual(await cloud.ask(code), unavailable);
    assert.match(cloud.lines.join(), /169\.254\.169\.254/);
  });
});
