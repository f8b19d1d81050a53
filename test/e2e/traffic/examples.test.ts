// Every document in deploy/examples is accepted as it is, and means what its comments say.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AdminApi } from '../../kit/admin.ts';
import { OwnScope } from '../../kit/owner.ts';
import { repository, startControlPlane } from '../../kit/processes.ts';

const directory = join(repository, 'deploy/examples');

const scope = new OwnScope();
let admin: AdminApi;

/** Applies it to an empty control plane, which is empty again when `use` is done. */
async function withExample(file: string, use: (text: string) => Promise<void>): Promise<void> {
  const text = readFileSync(join(directory, file), 'utf8');
  const applied = await admin.call('POST', 'apply', { body: text });
  assert.equal(applied.status, 200, applied.text);
  const objects = applied.field('objects') as { resource: string }[];
  try {
    await use(text);
  } finally {
    const remove = objects.map(({ resource }) => resource);
    const removed = await admin.call('POST', 'apply?force=true', {
      body: { kind: 'List', items: [], remove },
    });
    assert.equal(removed.status, 200, removed.text);
  }
}

describe('deploy/examples', () => {
  before(async () => {
    ({ admin } = await startControlPlane(scope));
  });
  after(() => scope.end());

  for (const file of globSync('**/*.yaml', { cwd: directory }).toSorted()) {
    it(`${file} is applied to an empty control plane, and changes nothing the second time`, () =>
      withExample(file, async (text) => {
        const again = await admin.call('POST', 'apply', { body: text });
        assert.deepEqual([again.status, again.field('changed')], [200, 0], again.text);
      }));
  }

  it('respond.yaml has each request meet the filters that its comments tell', () =>
    withExample('respond.yaml', async () => {
      const met = async (url: string, gateway: string): Promise<unknown> => {
        const answer = await admin.call('POST', 'explain', {
          body: { request: { method: 'GET', url }, gateway },
          contentType: 'application/json',
        });
        const filters = answer.field('filters') as { name: string; summary: string; from: string }[];
        return [
          answer.field('route'),
          ...filters.map(({ name, summary, from }) => `${name}: ${summary}, ${from}`),
        ];
      };
      assert.deepEqual(await met('http://shop.example.com/', 'old-shop'), [
        'default/old-shop-front',
        'closed: respond 200, route/default/old-shop-front',
      ]);
      assert.deepEqual(await met('http://shop.example.com/healthz', 'old-shop'), ['default/old-shop-health']);
      assert.deepEqual(await met('http://status.example.com/live', 'default'), [
        'default/status',
        'respond: respond 200, route/default/status',
      ]);
    }));

  it('matching.yaml leads each request to the Route that its comments name', () =>
    withExample('matching.yaml', async () => {
      const chosen = async (url: string, headers: [string, string][] = []): Promise<unknown> => {
        const answer = await admin.call('POST', 'explain', {
          body: { request: { method: 'GET', url, headers } },
          contentType: 'application/json',
        });
        return answer.field('route');
      };
      const orders = 'http://api.example.com/users/7/orders';
      assert.equal(await chosen('http://api.example.com/users/7'), 'default/users');
      assert.equal(await chosen(orders), 'default/user-orders');
      assert.equal(await chosen(orders, [['x-beta', '1']]), 'default/user-orders-beta');
      assert.equal(await chosen(orders, [['cookie', 'a=b; beta=yes']]), 'default/user-orders-beta');
      assert.equal(await chosen('http://eu.files.example.com/photos/2026%2F11/a.jpg'), 'default/files');
      assert.equal(await chosen('http://elsewhere.example.com/'), null);
    }));
});
