// Consumers and the filters that let them in, from the admin API to bytes: who gets in, who is refused and how, and what upstreams see of it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../../kit/eventually.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { type Resource, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const resource = (kind: string, name: string, spec: object): Resource => ({ kind, metadata: { name }, spec });
const key = 'key-of-acme-that-is-long';
const basic = (login: string): string => `Basic ${Buffer.from(login, 'utf8').toString('base64')}`;

/** Consumers, as the tests begin and end. */
const acme = (more: object = {}): Resource =>
  resource('Consumer', 'acme', {
    groups: ['gold', 'eu'],
    keys: [
      { name: 'own', value: key },
      { name: 'in-secret', value: { secret: 'keys', key: 'acme' } },
      { name: 'expired', value: 'key-of-acme-that-is-over', expiresAt: '2020-01-01T00:00:00Z' },
      { name: 'off', value: 'key-of-acme-that-is-off-', disabled: true },
    ],
    passwords: [{ username: 'acmé', password: 'pâssword: one' }],
    clientCertificates: [{ san: 'dns:client.acme' }],
    ...more,
  });

describe('authentication filters', () => {
  const scope = new OwnScope();
  let system: System;
  let port: number;
  let httpsPort: number;
  let authority: TestAuthority;

  before(async () => {
    authority = await TestAuthority.create('CA');
    const www = await authority.issue({ names: ['a.test'] });
    const echo = await startEcho(scope);
    system = await startSystem(scope, { nodes: ['edge-1'] });
    const on = { address: '127.0.0.1', port: 0 };
    const tls = { certificates: ['www'], clientAuth: { mode: 'optional', trust: ['ca'] } };
    const filtered = (name: string, ...filters: object[]): Resource =>
      route(name, `/${name}`, 'echo', { filters });
    const revision = await system.apply([
      resource('Certificate', 'www', { ...www }),
      resource('Certificate', 'ca', { certificate: authority.certificate }),
      resource('Gateway', 'default', {
        listeners: [
          { name: 'http', ...on },
          { name: 'https', protocol: 'https', tls, ...on },
        ],
      }),
      service('echo', [echo.port]),
      resource('Secret', 'keys', { data: { acme: 'key-of-acme-in-a-secret' } }),
      acme(),
      resource('Consumer', 'gone', {
        disabled: true,
        keys: [{ name: 'k', value: 'key-of-somebody-disabled' }],
      }),
      resource('Consumer', 'other', { keys: [{ name: 'k', value: 'key-of-somebody-else-' }] }),
      filtered('open'),
      filtered('key', {
        apiKey: { from: ['header:x-api-key', 'query:k', 'cookie:k', 'header:authorization'] },
      }),
      filtered('optional', { apiKey: { optional: true } }),
      filtered('forward', { apiKey: { from: ['query:k'], forwardCredentials: true } }),
      filtered('basic', { basicAuth: { realm: 'orders' } }),
      filtered('certificate', { clientCertificate: {} }),
      filtered('known', { clientCertificate: { consumer: 'required' } }),
      filtered('any', { anyOf: [{ clientCertificate: {} }, { apiKey: {} }, { basicAuth: {} }] }),
      filtered('both', { apiKey: {} }, { basicAuth: {} }),
      filtered('shadow', { enforcement: 'shadow', apiKey: {} }),
    ]);
    await system.admin.waitUntilApplied(revision, ['edge-1']);
    port = await system.nodes[0]!.trafficPort('http');
    httpsPort = await system.nodes[0]!.trafficPort('https');
  });
  after(() => scope.end());

  async function ask(target: string, headers: Record<string, string> = {}): Promise<Seen> {
    const answer = await request(`http://127.0.0.1:${port}${target}`, {
      headers: { host: 'a.test', ...headers },
      reset: true,
    });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  }

  /** What the upstream saw of a request that was let in. */
  async function upstream(target: string, headers: Record<string, string> = {}): Promise<Echo> {
    const { status, body } = await ask(target, headers);
    assert.equal(status, 200, body);
    return JSON.parse(body) as Echo;
  }

  async function refused(target: string, headers: Record<string, string> = {}): Promise<unknown[]> {
    const { status, headers: fields, body } = await ask(target, headers);
    return [status, fields['www-authenticate'], (JSON.parse(body) as { detail: string }).detail];
  }

  const named = ({ headers }: Echo): unknown[] => [
    valueOf(headers, 'x-consumer-name'),
    valueOf(headers, 'x-consumer-groups'),
  ];

  it('let a Consumer in by its key, wherever it stands, and keep the key to themselves', async () => {
    const byHeader = await upstream('/key/a?x=1', {
      'x-api-key': key,
      X_Api_Key: 'forged',
      'x-consumer-name': 'forged',
    });
    assert.deepEqual(named(byHeader), ['acme', 'gold,eu']);
    const byQuery = await upstream(`/key/a?x=1&k=${key}&y=2`);
    const byCookie = await upstream('/key/a?x=1&y=2', { cookie: `a=1; k=${key}; b=2` });
    const byAuthorization = await upstream('/key/a', { authorization: `Bearer ${key}` });
    for (const seen of [byHeader, byQuery, byCookie, byAuthorization])
      assert.ok(!JSON.stringify(seen).includes(key), JSON.stringify(seen));
    assert.equal(byQuery.target, '/key/a?x=1&y=2');
    assert.equal(valueOf(byCookie.headers, 'cookie'), 'a=1; b=2');
    assert.ok(!JSON.stringify(byHeader).includes('forged'));
    assert.deepEqual(
      named(await upstream('/key/a', { 'x-api-key': 'key-of-acme-in-a-secret' })),
      named(byHeader),
    );
    assert.equal((await upstream(`/forward/a?k=${key}`)).target, `/forward/a?k=${key}`);
  });

  it('refuse keys that are missing, unknown, expired or off with 401, and Consumers that are disabled with 403', async () => {
    const challenge = 'ApiKey realm="causeway"';
    assert.deepEqual(await refused('/key/a'), [401, challenge, 'An API key is required.']);
    const bad = [401, challenge, 'The API key is not valid.'];
    for (const value of [
      'nobodys-key-whatever-it-is',
      'key-of-acme-that-is-over',
      'key-of-acme-that-is-off-',
    ])
      assert.deepEqual(await refused('/key/a', { 'x-api-key': value }), bad);
    // The first place that holds something decides.
    assert.deepEqual(await refused(`/key/a?k=${key}`, { 'x-api-key': 'bad' }), bad);
    // What a page asks for tells the URL of the page, and has no query itself.
    await refused('/key/a', { referer: `http://a.test/page?y=3&k=${key}` });
    assert.deepEqual(await refused('/key/a', { 'x-api-key': 'key-of-somebody-disabled' }), [
      403,
      undefined,
      'This consumer is disabled.',
    ]);
    assert.deepEqual(named(await upstream('/optional/a')), [undefined, undefined]);
    assert.deepEqual(await refused('/optional/a', { 'x-api-key': 'bad' }), bad);
    assert.deepEqual(named(await upstream('/shadow/a', { 'x-api-key': 'bad' })), [undefined, undefined]);
    assert.deepEqual(named(await upstream('/shadow/a', { 'x-api-key': key })), ['acme', 'gold,eu']);
  });

  it('check user names and passwords, in UTF-8', async () => {
    const challenge = 'Basic realm="orders", charset="UTF-8"';
    const bad = [401, challenge, 'User name and password are not valid.'];
    assert.deepEqual(await refused('/basic/a'), [401, challenge, 'A user name and a password are required.']);
    const seen = await upstream('/basic/a', { authorization: basic('acmé:pâssword: one') });
    assert.deepEqual(named(seen), ['acme', 'gold,eu']);
    assert.equal(valueOf(seen.headers, 'authorization'), undefined);
    for (const login of ['acmé:pâssword: two', 'nobody:pâssword: one', 'acmé', ':'])
      assert.deepEqual(await refused('/basic/a', { authorization: basic(login) }), bad, login);
    assert.deepEqual(await refused('/basic/a', { authorization: 'Basic ???' }), bad);
  });

  it('know clients by their certificates', async () => {
    const [client, stranger] = await Promise.all([
      authority.issue({ names: ['client.acme'] }),
      authority.issue({ names: ['client.nobody'] }),
    ]);
    const overTls = async (path: string, shown?: { certificate: string; key: string }): Promise<Seen> => {
      const sent = httpsRequest({
        host: '127.0.0.1',
        port: httpsPort,
        path,
        agent: false,
        servername: 'a.test',
        ca: authority.certificate,
        headers: { host: 'a.test' },
        ...(shown && { cert: shown.certificate, key: shown.key }),
      });
      sent.end();
      const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
      let body = '';
      for await (const chunk of response) body += String(chunk);
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    };
    const of = async (path: string, shown?: { certificate: string; key: string }): Promise<unknown> => {
      const { status, body } = await overTls(path, shown);
      return status === 200 ? named(JSON.parse(body) as Echo)[0] : status;
    };
    assert.equal(await of('/certificate/a', client), 'acme');
    assert.equal(await of('/certificate/a', stranger), undefined);
    assert.equal(await of('/certificate/a'), 401);
    assert.equal(await of('/known/a', client), 'acme');
    assert.equal(await of('/known/a', stranger), 403);
    assert.equal(await of('/any/a', client), 'acme');
    assert.deepEqual((await refused('/certificate/a'))[0], 401);
  });

  it('take any of several, the first whose credentials are there, or all of them', async () => {
    assert.deepEqual(await refused('/any/a'), [
      401,
      [
        'ClientCertificate realm="causeway"',
        'ApiKey realm="causeway"',
        'Basic realm="causeway", charset="UTF-8"',
      ],
      'Credentials are required.',
    ]);
    const login = { authorization: basic('acmé:pâssword: one') };
    assert.equal(named(await upstream('/any/a', login))[0], 'acme');
    const both = await upstream('/any/a', { 'x-api-key': key, authorization: basic('acmé:wrong-password') });
    assert.equal(named(both)[0], 'acme');
    assert.equal(valueOf(both.headers, 'authorization'), undefined);
    assert.equal((await refused('/any/a', { 'x-api-key': 'bad', ...login }))[0], 401);
    assert.equal((await refused('/both/a', { 'x-api-key': key }))[0], 401);
    assert.equal(named(await upstream('/both/a', { 'x-api-key': key, ...login }))[0], 'acme');
    assert.deepEqual(await refused('/both/a', { 'x-api-key': 'key-of-somebody-else-', ...login }), [
      403,
      undefined,
      'The credentials are those of two different consumers.',
    ]);
  });

  it('follow changes of Consumers and of Secrets, and show nothing of what is secret', async () => {
    const stored = await system.admin.call('GET', 'namespaces/default/consumers/acme');
    assert.deepEqual(
      (stored.field('spec', 'keys') as { value: unknown }[]).map(({ value }) => value),
      ['(hidden)', { secret: 'keys', key: 'acme' }, '(hidden)', '(hidden)'],
    );
    // The first key goes and the others stay what they were, though their places in the list are others now.
    const kept = (stored.field('spec', 'keys') as object[]).slice(1);
    const revision = await system.apply([
      acme({ keys: kept, passwords: stored.field('spec', 'passwords') }),
      resource('Secret', 'keys', { data: { acme: 'the-new-key-in-a-secret' } }),
    ]);
    await system.admin.waitUntilApplied(revision, ['edge-1']);
    for (const value of [key, 'key-of-acme-in-a-secret', 'key-of-acme-that-is-over'])
      assert.equal((await refused('/key/a', { 'x-api-key': value }))[0], 401);
    assert.equal((await upstream('/key/a', { 'x-api-key': 'the-new-key-in-a-secret' })).target, '/key/a');
    assert.equal(
      (await upstream('/basic/a', { authorization: basic('acmé:pâssword: one') })).target,
      '/basic/a',
    );
    const log = await eventually(() => system.nodes[0]!.child.output.join('\n'), {
      what: 'the access log of a request with its key in the query',
      until: (text) => text.includes('x=1&k=-&y=2') && text.includes('page?y=3&k=-'),
    });
    assert.ok(!log.includes(key));
    await system.admin.call('DELETE', 'namespaces/default/consumers/acme');
    await eventually(() => ask('/key/a', { 'x-api-key': 'the-new-key-in-a-secret' }), {
      what: 'the key to be refused',
      until: ({ status }) => status === 401,
    });
  });
});

function valueOf(headers: Echo['headers'], name: string): string | undefined {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1];
}
