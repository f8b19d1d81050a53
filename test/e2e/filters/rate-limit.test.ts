// Limits as clients meet them, on a node of two workers: exact, told apart by key, and not to be fooled.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { request } from 'undici';
import { startSystem } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';
import { startIssuer } from '../../kit/upstreams/issuer.ts';

describe('rateLimit', () => {
  it('holds to the token over all workers, whoever asks and however', async (t) => {
    const [echo, issuer] = [await startEcho(t), await startIssuer(t)];
    const hour = { requests: 50, per: '1h' };
    const limited = (name: string, ...filters: object[]): Resource =>
      route(name, `/${name}`, 'echo', { filters });
    const system = await startSystem(t, {
      resources: [
        gateway({ legacyRateLimitHeaders: true }),
        {
          kind: 'AuthProvider',
          metadata: { name: 'corp' },
          spec: { issuer: issuer.url, audiences: ['api'], algorithms: ['ES256'] },
        },
        service('echo', [echo.port]),
        limited('address', { rateLimit: { ...hour, burst: 30 } }),
        limited('tenant', { rateLimit: { ...hour, key: 'header:x-tenant' } }),
        limited('caller', { jwt: { providers: ['corp'] } }, { rateLimit: { ...hour, key: 'consumer' } }),
        limited('shadow', { enforcement: 'shadow', rateLimit: { requests: 1, per: '1h' } }),
        limited('two', { name: 'a', rateLimit: { ...hour, requests: 2 } }, { name: 'b', rateLimit: hour }),
      ],
    });
    const port = await system.nodes[0]!.trafficPort();
    const ask = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await request(`http://127.0.0.1:${port}/${path}`, { headers });
      return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
    };
    /** How many of so many requests at once are let pass. */
    const passed = async (count: number, path: string, headers?: (n: number) => Record<string, string>) => {
      const answers = await Promise.all(Array.from({ length: count }, (_, n) => ask(path, headers?.(n))));
      return answers.filter(({ status }) => status === 200).length;
    };

    const first = await ask('address');
    assert.deepEqual(
      [first.headers['ratelimit-policy'], first.headers['ratelimit']],
      ['"rateLimit";q=50;w=3600', '"rateLimit";r=29;t=72'],
    );
    assert.deepEqual(
      ['limit', 'remaining', 'reset'].map((name) => first.headers[`x-ratelimit-${name}`]),
      ['50', '29', '72'],
    );
    // A header that anybody can write makes no other client.
    assert.equal(await passed(100, 'address', (n) => ({ 'x-forwarded-for': `198.51.100.${n}` })), 29);
    const refused = await ask('address');
    const {
      reason,
      type,
      'violated-policies': violated,
    } = JSON.parse(refused.body) as Record<string, unknown>;
    assert.deepEqual([refused.status, reason, violated], [429, 'rate_limited', ['rateLimit']]);
    assert.equal(type, 'https://iana.org/assignments/http-problem-types#quota-exceeded');
    const wait = Number(refused.headers['retry-after']);
    assert.ok(wait > 0 && wait <= 72, String(wait));
    assert.match(String(refused.headers['ratelimit']), new RegExp(`^"rateLimit";r=0;t=${wait}$`));

    assert.equal(await passed(100, 'tenant', (n) => ({ 'x-tenant': n % 2 === 0 ? 'a' : 'b' })), 100);
    assert.equal(await passed(20, 'tenant', () => ({ 'x-tenant': 'a' })), 0);
    assert.equal(await passed(20, 'tenant', () => ({ 'x-tenant': 'c' })), 20);

    // Who is refused for bad credentials costs nobody a token.
    const tokens = [await issuer.sign(), await issuer.sign({ sub: 'bob' })];
    assert.equal(await passed(100, 'caller', () => ({ authorization: 'Bearer nonsense' })), 0);
    for (const token of tokens)
      assert.equal(await passed(70, 'caller', () => ({ authorization: `Bearer ${token}` })), 50);

    assert.equal(await passed(20, 'shadow'), 20);
    assert.equal((await ask('shadow')).headers['ratelimit'], undefined, 'it holds for nobody');

    // A request that the first limit refuses takes nothing of the second.
    assert.equal(await passed(20, 'two'), 2);
    const both = await ask('two');
    assert.match(String(both.headers['ratelimit']), /^"a";r=0;t=\d+$/);
    await system.apply([limited('two', { name: 'b', rateLimit: hour })]);
    assert.match(String((await ask('two')).headers['ratelimit']), /^"b";r=47;/, 'a swap forgets no bucket');
    await system.apply([gateway({ limits: { rateLimitKeys: 2048 } })]);
    assert.match(String((await ask('two')).headers['ratelimit']), /^"b";r=49;/, 'other buckets begin anew');
    assert.equal(await passed(100, 'two'), 49, 'of all workers');
  });
});
