// Lists: pages of one revision across writes, selectors, and tokens that only this server makes.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../kit/admin.ts';
import { service } from '../../kit/resources.ts';
import { inNamespace, oneControlPlane, problemOf } from './one-control-plane.ts';

const names = (answer: Answer): string[] =>
  (answer.field('items') as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
const next = (answer: Answer): string => encodeURIComponent(String(answer.field('metadata', 'continue')));

describe('lists', () => {
  const plane = oneControlPlane();
  const numbered = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, index) => service(`${prefix}${String(index).padStart(3, '0')}`, [1]));

  it('come in pages, by name, and say how much is left', async () => {
    const { admin } = plane;
    await admin.call('POST', 'apply?namespace=pages', {
      body: {
        kind: 'List',
        items: numbered(25, 's').map((each) => ({ apiVersion: 'causeway/v1', ...each })),
      },
    });
    const path = inNamespace('pages', 'services');
    const seen: string[] = [];
    let page = await admin.call('GET', `${path}?limit=10`);
    const version = page.field('metadata', 'resourceVersion');
    for (const left of [15, 5, 0]) {
      assert.equal(page.field('metadata', 'remainingItemCount'), left);
      assert.equal(page.field('metadata', 'resourceVersion'), version);
      seen.push(...names(page));
      if (left > 0) page = await admin.call('GET', `${path}?limit=10&continue=${next(page)}`);
    }
    assert.equal(page.field('metadata', 'continue'), '');
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, index) => `s${String(index).padStart(3, '0')}`),
    );
    assert.deepEqual(names(await admin.call('GET', path)), seen);
  });

  it('show every object of their revision once, whatever is written between pages', async () => {
    const { admin } = plane;
    const path = inNamespace('moving', 'services');
    const put = (name: string, port: number) =>
      admin.call('PUT', `${path}/${name}`, { body: { apiVersion: 'causeway/v1', ...service(name, [port]) } });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await put(name, 1);
    const first = await admin.call('GET', `${path}?limit=2`);
    await put('a0', 1);
    await put('c', 2);
    await admin.call('DELETE', `${path}/d`);
    await put('z', 1);
    const second = await admin.call('GET', `${path}?limit=3&continue=${next(first)}`);
    const third = await admin.call('GET', `${path}?limit=3&continue=${next(second)}`);
    assert.deepEqual([first, second, third].flatMap(names), ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.deepEqual(second.field('items', 0, 'spec', 'endpoints', 0, 'port'), 1);
    assert.equal(second.field('metadata', 'resourceVersion'), first.field('metadata', 'resourceVersion'));
    assert.deepEqual(names(await admin.call('GET', path)), ['a', 'a0', 'b', 'c', 'e', 'f', 'z']);
  });

  it('have the Gateway that nobody wrote on the pages of every revision', async () => {
    const { admin } = plane;
    await admin.apply([{ kind: 'Gateway', metadata: { name: 'aaa' }, spec: {} }]);
    const first = await admin.call('GET', 'gateways?limit=1');
    await admin.apply([{ kind: 'Gateway', metadata: { name: 'zzz' }, spec: {} }]);
    const second = await admin.call('GET', `gateways?continue=${next(first)}`);
    assert.deepEqual([first, second].flatMap(names), ['aaa', 'default']);
  });

  it('take a namespace or all of them', async () => {
    const { admin } = plane;
    for (const namespace of ['one', 'two'])
      await admin.call('PUT', inNamespace(namespace, 'services', 'same'), {
        body: { apiVersion: 'causeway/v1', ...service('same', [1]) },
      });
    assert.deepEqual(names(await admin.call('GET', inNamespace('one', 'services'))), ['same']);
    assert.deepEqual(names(await admin.call('GET', inNamespace('nobody', 'services'))), []);
    const all = (await admin.call('GET', 'services?fieldSelector=metadata.name%3Dsame')).field('items');
    assert.deepEqual(
      (all as { metadata: { namespace: string } }[]).map(({ metadata }) => metadata.namespace),
      ['one', 'two'],
    );
    assert.deepEqual(
      names(await admin.call('GET', 'services?fieldSelector=metadata.name%3Dsame,metadata.namespace!%3Done')),
      ['same'],
    );
  });

  it('select by labels', async () => {
    const { admin } = plane;
    const path = inNamespace('labelled', 'services');
    for (const [name, labels] of Object.entries({
      a: { team: 'shop', tier: 'web' },
      b: { team: 'shop' },
      c: { team: 'other' },
      d: {},
    }))
      await admin.call('PUT', `${path}/${name}`, {
        body: { apiVersion: 'causeway/v1', kind: 'Service', metadata: { name, labels }, spec: {} },
      });
    const selected = async (selector: string): Promise<string[]> =>
      names(await admin.call('GET', `${path}?labelSelector=${encodeURIComponent(selector)}`));
    assert.deepEqual(await selected('team=shop'), ['a', 'b']);
    assert.deepEqual(await selected('team=shop,!tier'), ['b']);
    assert.deepEqual(await selected('team notin (shop)'), ['c', 'd']);
    assert.deepEqual(await selected('team in (shop,other),team!=other'), ['a', 'b']);
    const page = await admin.call('GET', `${path}?labelSelector=team&limit=1`);
    assert.deepEqual([names(page), page.field('metadata', 'remainingItemCount')], [['a'], 2]);
    problemOf(await admin.call('GET', `${path}?labelSelector=a%20b`), 400, 'malformed');
    problemOf(await admin.call('GET', `${path}?fieldSelector=spec.x%3D1`), 400, 'malformed');
  });

  it('have a limit from 1 to 5000', async () => {
    const { admin } = plane;
    for (const limit of ['1', '5000'])
      assert.equal((await admin.call('GET', `services?limit=${limit}`)).status, 200);
    for (const limit of ['0', '5001', '-1', 'x', '', '1.5', '1e3'])
      problemOf(await admin.call('GET', `services?limit=${limit}`), 400, 'malformed');
    problemOf(await admin.call('GET', 'nodes?limit=0'), 400, 'malformed');
    problemOf(await admin.call('GET', 'revisions?limit=5001'), 400, 'malformed');
  });

  it('take no token but their own', async () => {
    const { admin } = plane;
    const page = await admin.call('GET', `${inNamespace('pages', 'services')}?limit=1`);
    const token = String(page.field('metadata', 'continue'));
    const forged = Buffer.from(token, 'base64url');
    forged[forged.length - 2]! ^= 1;
    for (const bad of ['x', forged.toString('base64url'), token.slice(0, -4), `${token}AAAA`, '%F0%9F'])
      problemOf(await admin.call('GET', `services?continue=${encodeURIComponent(bad)}`), 400, 'malformed');
  });

  it('of revisions come newest first, in pages', async () => {
    const { admin } = plane;
    const first = await admin.call('GET', 'revisions?limit=2');
    const newest = Number(first.field('items', 0, 'revision'));
    assert.equal(first.field('items', 1, 'revision'), newest - 1);
    assert.equal(first.field('metadata', 'remainingItemCount'), newest - 2);
    const second = await admin.call('GET', `revisions?limit=2&continue=${next(first)}`);
    assert.equal(second.field('items', 0, 'revision'), newest - 2);
    const last = await admin.call('GET', 'revisions?limit=5&continue=3');
    assert.deepEqual(
      (last.field('items') as { revision: number }[]).map(({ revision }) => revision),
      [2, 1],
    );
    assert.equal(last.field('metadata', 'continue'), '');
    problemOf(await admin.call('GET', 'revisions?continue=x'), 400, 'malformed');
  });
});
