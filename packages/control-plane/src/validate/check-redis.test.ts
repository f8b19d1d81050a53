import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest, Spec } from '@causeway/model/resource';
import { manifest, secret } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';

const gateway = (redis: Spec): Manifest => manifest('Gateway', 'default', { redis });
const inSecret = { secret: 's', key: 'url' };

describe('checkRedis', () => {
  it('finds URLs that are none, wherever they stand, and TLS that nobody would speak', async (t) => {
    const { write } = await openWorld(t);
    const refused = async (...documents: Manifest[]): Promise<string[]> => {
      const made = await write(documents);
      const problems = made.refused ? made.problems : [];
      assert.ok(!JSON.stringify(problems).includes('pass-word'));
      return problems.map(({ code, resource, pointer }) => `${code} ${resource} ${pointer}`);
    };
    assert.deepEqual(await refused(secret('s', { url: 'http://:pass-word@a' }), gateway({ url: inSecret })), [
      'bad_format gateway/default /spec/redis/url',
    ]);
    assert.deepEqual(await refused(secret('s', { other: 'x' }), gateway({ url: inSecret })), [
      'bad_format gateway/default /spec/redis/url/key',
    ]);
    const plain = secret('s', { url: 'redis://:pass-word@a' });
    assert.deepEqual(await refused(plain, gateway({ url: inSecret, tls: {} })), [
      'exclusive gateway/default /spec/redis/tls',
    ]);
    assert.deepEqual(
      await refused(secret('s', { url: 'rediss://:pass-word@a' }), gateway({ url: inSecret, tls: {} })),
      [],
    );
    assert.deepEqual(await refused(plain), ['exclusive secret/default/s /spec/data']);
    assert.deepEqual(await refused(gateway({ url: 'redis://:pass-word@a', tls: {} })), [
      'exclusive gateway/default /spec/redis/tls',
    ]);
    assert.deepEqual(await refused(gateway({ url: 'redis://:pass-word@a' })), []);
    assert.deepEqual(await refused(gateway({ url: '(hidden)', tls: {} })), [
      'exclusive gateway/default /spec/redis/tls',
    ]);
  });
});
