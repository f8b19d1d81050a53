import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest, Spec } from '@causeway/model/resource';
import { decodeItem } from '@causeway/proto/compiled';
import { manifest, secret } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { GatewayView } from './gateway-view.ts';

const shared = [{ rateLimit: { requests: 1, per: '1s', scope: 'cluster' } }];
const gateway = (name: string, spec: Spec = {}): Manifest =>
  manifest('Gateway', name, { redis: { url: { secret: 's', key: 'url' } }, ...spec });
const route = (filters: object[]): Manifest =>
  manifest('Route', 'r', { gateways: ['edge'], filters, backends: [{ service: 'a' }] });
const consumer = (spec: Spec): Manifest => manifest('Consumer', 'c', spec);

describe('the redis of a Gateway', () => {
  it('is told to nodes that need it, and to no others, and follows its Secret', async (t) => {
    const { write, index, readSecret, hashes } = await openWorld(t);
    const viewOf = (name: string): GatewayView => new GatewayView(name, index, readSecret, hashes);
    const views = ['edge', 'other'].map(viewOf);
    index.onRevision((_revision, _committedAt, changes) => {
      for (const view of views) view.apply(changes);
    });
    /** What the nodes of both know, `undefined` where they are not told. */
    const told = () =>
      views.map((view) => {
        const decoded = decodeItem(view.items.get(`gateway/${view.gateway}`)!);
        assert.ok('value' in decoded && decoded.kind === 'gateway');
        assert.deepEqual(viewOf(view.gateway).items.rootDigest, view.items.rootDigest);
        return decoded.value.redis;
      });
    const passwords = () => told().map((redis) => redis?.password);

    await write([
      secret('s', { url: 'redis://user:first%40@redis.test:7000/3' }),
      manifest('Service', 'a', {}),
      gateway('edge'),
      gateway('other'),
      route([]),
    ]);
    assert.deepEqual(passwords(), [undefined, undefined]);
    await write([route(shared)]);
    assert.deepEqual(passwords(), ['first@', undefined]);
    await write([secret('s', { url: 'redis+cluster://:second@a.test,[::1]:7001' })]);
    const [redis] = told();
    assert.deepEqual(
      [redis?.password, redis?.cluster, redis?.addresses.map(({ host, port }) => `${host} ${port}`)],
      ['second', true, ['a.test 6379', '::1 7001']],
    );
    await write([route([{ apiKey: {} }])]);
    assert.deepEqual(passwords(), [undefined, undefined]);
    await write([consumer({ quotas: [{ name: 'q', requests: 1, per: 'day' }] })]);
    assert.deepEqual(passwords(), ['second', undefined]);
    await write([consumer({ limits: [{ name: 'l', requests: 1, per: '1s' }] })]);
    assert.deepEqual(passwords(), [undefined, undefined]);
    await write([gateway('other', { filters: shared })]);
    const [, other] = told();
    assert.equal(other?.password, 'second');
    await write([route(shared)]);
    const [edge] = told();
    assert.notDeepEqual(edge?.keySecret, other?.keySecret, 'two Gateways share no bucket');
  });
});
