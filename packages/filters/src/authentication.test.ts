import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAnyOfFilter } from './any-of.ts';
import { type ApiKeySettings, createApiKeyFilter } from './api-key.ts';
import type { AuthenticationFilter } from './authentication.ts';
import { createBasicAuthFilter } from './basic-auth/basic-auth.ts';
import type { PasswordVerdict } from './basic-auth/password-check.ts';
import { createClientCertificateFilter } from './client-certificate.ts';
import { type ConsumerLookup, type KeyUse, type KnownConsumer, noConsumers } from './consumers.ts';
import type { Filter } from './filter.ts';
import { FilterChain } from './filter-chain.ts';
import { completedIdentity, type Identity } from './identity.ts';
import { FakeOwner } from './testing/fake-owner.ts';

const consumer = (name: string, disabled = false): KnownConsumer => ({
  namespace: 'default',
  name,
  groups: [`of-${name}`],
  disabled,
});

/** Uses of keys that were told. */
const told: string[] = [];
const watched: KeyUse = { hash: Buffer.from('h'), toldMs: -Infinity };

const consumers: ConsumerLookup = {
  ...noConsumers,
  byKey: (namespace, key) => {
    if (namespace !== 'default' || !key.startsWith('key-')) return undefined;
    const [, name = '', expiresAtMs = 'Infinity'] = key.split('-');
    const use = name === 'watched' ? watched : undefined;
    return { consumer: consumer(name), expiresAtMs: Number(expiresAtMs), isDisabled: name === 'off', use };
  },
  byUsername: (_namespace, name) => {
    const stored = { salt: Buffer.alloc(0), costLog2: 1, hash: Buffer.alloc(0) };
    return name === 'nobody' ? undefined : { consumer: consumer(name), stored };
  },
  byCertificate: (_namespace, { subject }) => (subject === '' ? undefined : consumer(subject)),
};

interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly subject?: string;
}

function run(filters: readonly Filter[], { headers = {}, query, subject }: Asked): FakeOwner {
  const owner = new FakeOwner(new FilterChain(filters));
  owner.consumers = consumers;
  owner.query = query;
  for (const [name, value] of Object.entries(headers)) owner.headers.set(name, value);
  owner.upstreamFields = Object.entries(headers).flat();
  if (subject !== undefined) owner.clientCertificate = { subject, alternativeNames: [], sha256: '' };
  owner.chain.requestHead(owner);
  return owner;
}

const answerOf = ({ response, identity }: FakeOwner): unknown =>
  response?.kind === 'refusal' ? response.reason : identity?.consumer;

const apiKey = (settings: Partial<ApiKeySettings> = {}, nowMs = 1000): AuthenticationFilter =>
  createApiKeyFilter(
    'apiKey',
    {
      namespace: 'default',
      sources: [{ kind: 'header', name: 'x-api-key' }],
      isOptional: false,
      forwardsCredentials: false,
      ...settings,
    },
    {
      wallMs: () => nowMs,
      onKeyUsed: (hash, usedMs) => told.push(`${Buffer.from(hash).toString()} ${usedMs}`),
    },
  );

const basicAuth = (verdict: PasswordVerdict = 'good', isOptional = false): AuthenticationFilter =>
  createBasicAuthFilter(
    'basicAuth',
    { namespace: 'default', realm: 'r', isOptional, forwardsCredentials: false },
    // The real one is tried apart, and costs its time.
    { check: () => verdict } as unknown as Parameters<typeof createBasicAuthFilter>[2],
  );

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

describe('apiKey', () => {
  it('lets the keys of its namespace in until they expire', () => {
    const keyed = (key: string): Asked => ({ headers: { 'x-api-key': key } });
    assert.equal(answerOf(run([apiKey()], keyed('key-acme'))), 'acme');
    assert.equal(answerOf(run([apiKey()], keyed('other'))), 'unauthenticated');
    assert.equal(answerOf(run([apiKey()], keyed('key-off'))), 'unauthenticated');
    assert.equal(answerOf(run([apiKey({ namespace: 'shop' })], keyed('key-acme'))), 'unauthenticated');
    const held = run([apiKey()], keyed('key-acme-1001'));
    assert.deepEqual([answerOf(held), held.expiries], ['acme', [1001]]);
    assert.equal(answerOf(run([apiKey()], keyed('key-acme-1000'))), 'unauthenticated');
  });

  it('tells at most once a minute that a key is used', () => {
    for (const nowMs of [1000, 1001, 60_999, 61_000])
      run([apiKey({}, nowMs)], { headers: { 'x-api-key': 'key-watched' } });
    run([apiKey({}, 999_000)], { headers: { 'x-api-key': 'key-acme' } });
    assert.deepEqual(told, ['h 1000', 'h 61000']);
  });

  it('takes an empty value for none', () => {
    assert.equal(answerOf(run([apiKey({ isOptional: true })], { headers: { 'x-api-key': '' } })), undefined);
    assert.equal(answerOf(run([apiKey()], {})), 'unauthenticated');
  });

  it('takes every copy of the key away from what goes upstream; who is refused and passes in a trial goes on as he came', () => {
    const sources: ApiKeySettings['sources'] = [
      { kind: 'header', name: 'x-api-key' },
      { kind: 'query', name: 'k' },
      { kind: 'cookie', name: 'k' },
      { kind: 'header', name: 'authorization' },
    ];
    const asked: Asked = {
      headers: {
        'x-api-key': 'key-a',
        X_API_Key: 'wrong',
        cookie: 'k=1; a=2; k=3',
        authorization: 'ApiKey x',
        other: '1',
      },
      query: 'a=1&k=&k=2&%6B=3&b',
    };
    const owner = run([apiKey({ sources })], asked);
    assert.deepEqual(owner.upstreamFields, ['other', '1', 'cookie', 'a=2']);
    assert.equal(owner.upstreamQuery, 'a=1&b');
    assert.deepEqual(owner.hiddenQuery, ['k']);
    const refused = run([apiKey({ sources })], {
      ...asked,
      headers: { 'x-api-key': 'wrong', cookie: 'k=1' },
    });
    assert.deepEqual(refused.upstreamFields, ['x-api-key', 'wrong', 'cookie', 'k=1']);
    assert.deepEqual([refused.upstreamQuery, refused.hiddenQuery], [asked.query, ['k']]);
    const forwarded = run([apiKey({ sources, forwardsCredentials: true })], asked);
    assert.equal(forwarded.upstreamQuery, asked.query);
    assert.deepEqual(forwarded.hiddenQuery, ['k']);
    // In another scheme it is somebody else's.
    const other = run([apiKey({ sources })], {
      headers: { 'x-api-key': 'key-a', authorization: 'Digest x' },
    });
    assert.deepEqual(other.upstreamFields, ['authorization', 'Digest x']);
    assert.equal(run([apiKey({ sources })], { query: 'k=key-a' }).upstreamQuery, undefined);
  });
});

describe('basicAuth', () => {
  const login = { headers: { authorization: basic('acme:secret') } };

  it('lets in whose password is good, and no one for whom there was no time', () => {
    assert.equal(answerOf(run([basicAuth()], login)), 'acme');
    assert.equal(answerOf(run([basicAuth('bad')], login)), 'unauthenticated');
    assert.equal(answerOf(run([basicAuth('busy')], login)), 'overloaded');
    const unknown = { headers: { authorization: basic('nobody:secret') } };
    assert.equal(answerOf(run([basicAuth()], unknown)), 'unauthenticated');
    assert.deepEqual(run([basicAuth()], login).upstreamFields, []);
  });

  it('refuses what is no login', () => {
    for (const credentials of [
      '=',
      'a b',
      basic('no colon').slice(6),
      basic(':no name').slice(6),
      basic('a\u0000b:c').slice(6),
      basic('a:b\u007f').slice(6),
      basic('a:b\r\nc').slice(6),
      `${basic('a:b').slice(6)}, Basic x`,
      'A'.repeat(8193),
    ])
      assert.equal(
        answerOf(run([basicAuth()], { headers: { authorization: `Basic ${credentials}` } })),
        'unauthenticated',
        credentials,
      );
    const bearer = { headers: { authorization: 'Bearer x' } };
    assert.equal(answerOf(run([basicAuth()], bearer)), 'unauthenticated');
    assert.equal(answerOf(run([basicAuth('good', true)], bearer)), undefined);
  });
});

describe('several authentication filters', () => {
  const certificate = (needsConsumer = false, isOptional = false): AuthenticationFilter =>
    createClientCertificateFilter('clientCertificate', { namespace: 'default', isOptional, needsConsumer });
  const both = { headers: { 'x-api-key': 'key-acme', authorization: basic('acme:secret') } };

  it('must all let the request pass, and must not speak of two Consumers', () => {
    assert.equal(answerOf(run([apiKey(), basicAuth()], both)), 'acme');
    const two = { headers: { ...both.headers, authorization: basic('other:secret') } };
    assert.equal(answerOf(run([apiKey(), basicAuth()], two)), 'forbidden');
    assert.equal(answerOf(run([certificate(), apiKey()], { ...both, subject: '' })), 'acme');
    assert.equal(answerOf(run([certificate(true), apiKey()], { ...both, subject: '' })), 'forbidden');
    assert.equal(answerOf(run([certificate(), apiKey()], both)), 'unauthenticated');
    assert.equal(answerOf(run([certificate(false, true), apiKey()], both)), 'acme');
  });

  it('need one of them within anyOf: the first whose credentials are there, good or bad', () => {
    const any = (...ways: AuthenticationFilter[]): Filter => createAnyOfFilter('anyOf', ways);
    assert.equal(answerOf(run([any(apiKey(), basicAuth('bad'))], both)), 'acme');
    assert.deepEqual(run([any(apiKey(), basicAuth('bad'))], both).upstreamFields, []);
    assert.equal(answerOf(run([any(basicAuth('bad'), apiKey())], both)), 'unauthenticated');
    const { response } = run([any(apiKey(), basicAuth())], {});
    assert.deepEqual(response?.kind === 'refusal' && response.fields, [
      'www-authenticate',
      'ApiKey realm="causeway"',
      'www-authenticate',
      'Basic realm="r", charset="UTF-8"',
    ]);
    assert.equal(answerOf(run([any(apiKey({ isOptional: true }), basicAuth())], {})), undefined);
  });

  it('keep the state of the way that was taken within anyOf', () => {
    const stateful: AuthenticationFilter<{ count: number }> = {
      ...(apiKey() as AuthenticationFilter<{ count: number }>),
      createState: () => ({ count: 0 }),
      onRequestHead: (_exchange, state) => void (state.count += 1),
      onExpire: (_exchange, state) => state.count,
    };
    const owner = run([createAnyOfFilter('anyOf', [basicAuth(), stateful])], {
      headers: { 'x-api-key': 'x' },
    });
    assert.equal(owner.chain.expire(owner, 0), 1);
    const unused = run([createAnyOfFilter('anyOf', [basicAuth(), stateful])], {
      headers: { authorization: basic('a:b') },
    });
    assert.equal(unused.chain.expire(unused, 0), undefined);
  });

  it('demand something else when they let in others', () => {
    const demands = [
      apiKey(),
      apiKey({ isOptional: true }),
      apiKey({ namespace: 'shop' }),
      basicAuth(),
      certificate(),
      certificate(true),
      createAnyOfFilter('a', [apiKey(), basicAuth()]),
      createAnyOfFilter('a', [basicAuth(), apiKey()]),
    ].map((filter) => filter.demands);
    assert.equal(new Set(demands).size, demands.length);
    assert.equal(apiKey({ forwardsCredentials: true }).demands, apiKey().demands);
  });
});

describe('completedIdentity', () => {
  const identity = (more: Partial<Identity>): Identity => ({
    consumer: undefined,
    namespace: 'default',
    isConsumer: false,
    groups: [],
    scopes: [],
    claims: {},
    ...more,
  });

  it('names the Consumer, whoever found it, with the groups and scopes of both', () => {
    const acme = identity({ consumer: 'acme', isConsumer: true, groups: ['gold', 'eu'] });
    const token = identity({
      consumer: 'corp/7',
      groups: ['eu', 'us'],
      scopes: ['read'],
      claims: { sub: '7' },
    });
    const { groups, ...named } = completedIdentity(acme, token);
    assert.deepEqual(groups, ['gold', 'eu', 'us']);
    assert.deepEqual(named, {
      consumer: 'acme',
      namespace: 'default',
      isConsumer: true,
      scopes: ['read'],
      claims: { sub: '7' },
    });
    assert.equal(completedIdentity(token, acme).consumer, 'acme');
    assert.equal(completedIdentity(identity({}), token).consumer, 'corp/7');
    assert.equal(completedIdentity(token, identity({})).consumer, 'corp/7');
  });

  it('mixes no groups of two namespaces', () => {
    const here = identity({ consumer: 'a', isConsumer: true, groups: ['x'] });
    const there = identity({ consumer: 'b', isConsumer: true, namespace: 'shop', groups: ['y'] });
    const { consumer: name, namespace, groups } = completedIdentity(here, there);
    assert.deepEqual([name, namespace, groups], ['b', 'shop', ['y']]);
  });
});
