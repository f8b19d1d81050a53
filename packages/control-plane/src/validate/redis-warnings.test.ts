import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest, Spec } from '@causeway/model/resource';
import { manifest } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';

const shared = [{ rateLimit: { requests: 1, per: '1s', scope: 'cluster' } }];
const gateway = (spec: Spec): Manifest =>
  manifest('Gateway', 'default', { listeners: [{ name: 'http', port: 8080 }], ...spec });
const withRedis = gateway({ redis: { url: 'redis://redis.test' } });
const route = (filters: object[]): Manifest =>
  manifest('Route', 'r', { hosts: ['a.test'], backends: [{ service: 'a' }], filters });

describe('redisWarnings', () => {
  it('tells who is to be counted in a Redis that no Gateway has, and whoever loses it', async (t) => {
    const { write } = await openWorld(t);
    const warned = async (...documents: Manifest[]): Promise<string[]> => {
      const made = await write([manifest('Service', 'a', {}), ...documents]);
      assert.ok(!made.refused, JSON.stringify(made));
      return made.warnings.filter((warning) => warning.includes('redis'));
    };
    const routeWarning =
      'route/r has a rateLimit with scope cluster, and gateway/default has no redis: it does as its onFailure says';
    assert.deepEqual(await warned(route(shared)), [routeWarning]);
    assert.deepEqual(await warned(withRedis), []);
    assert.deepEqual(await warned(route([])), []);
    const middleware = (filters: object[]): Manifest => manifest('Middleware', 'm', { filters });
    assert.deepEqual(await warned(middleware([]), route([{ middleware: 'm' }])), []);
    assert.deepEqual(await warned(gateway({})), [], 'nobody needs it');
    assert.deepEqual(await warned(middleware(shared)), [routeWarning]);
    const consumer = manifest('Consumer', 'c', { quotas: [{ name: 'q', requests: 1, per: 'day' }] });
    assert.equal((await warned(consumer)).length, 1);
    assert.deepEqual(await warned(withRedis), []);
    const lost = await warned(gateway({}));
    assert.equal(lost.length, 2);
    assert.equal(lost[0], routeWarning);
    assert.match(lost[1]!, /^consumer\/c has limits or quotas/);
    assert.deepEqual(await warned(gateway({ filters: shared }), route([])), [
      'gateway/default has a rateLimit with scope cluster, and no redis: it does as its onFailure says',
      routeWarning,
    ]);
  });
});
