import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRedisUrl, redisUrlComplaint } from './redis-url.ts';

const at = (host: string, port = 6379) => ({ host, port });

describe('the URL of a Redis', () => {
  it('names a server, or some of a cluster, and who asks', () => {
    const plain = { cluster: false, tls: false, username: '', password: '', database: 0 };
    const good: [string, object][] = [
      ['redis://localhost', { ...plain, addresses: [at('localhost')] }],
      ['redis://[::1]:7000/', { ...plain, addresses: [at('::1', 7000)] }],
      [
        'rediss://ci:p%40ss%2F@redis.test:1/15',
        {
          ...plain,
          tls: true,
          addresses: [at('redis.test', 1)],
          username: 'ci',
          password: 'p@ss/',
          database: 15,
        },
      ],
      ['redis://:secret@10.0.0.1', { ...plain, addresses: [at('10.0.0.1')], password: 'secret' }],
      [
        'rediss+cluster://:secret@a.test,b.test:7001,[2001:db8::1]',
        {
          ...plain,
          cluster: true,
          tls: true,
          addresses: [at('a.test'), at('b.test', 7001), at('2001:db8::1')],
          password: 'secret',
        },
      ],
    ];
    for (const [url, place] of good) assert.deepEqual(parseRedisUrl(url), place, url);
  });

  it('is refused without being quoted', () => {
    const bad = [
      '',
      'localhost:6379',
      'http://localhost',
      'redis://',
      'redis://a,b',
      'redis://a:0',
      'redis://a:65536',
      'redis://a/x',
      'redis://a/99999',
      'redis://a?db=1',
      'redis+cluster://a/1',
      'redis://user:p%4@a',
      'redis://user:p@ss@a',
    ];
    for (const url of bad) {
      assert.equal(parseRedisUrl(url), undefined, url);
      assert.ok(!redisUrlComplaint(url)?.includes('p@ss'), url);
    }
    assert.match(redisUrlComplaint('redis://user@a') ?? '', /without a password/);
  });
});
