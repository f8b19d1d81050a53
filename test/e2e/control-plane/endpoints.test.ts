// Endpoints over the admin API: lists, pages, one of them, and what belongs to their Service.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { service } from '../../kit/resources.ts';
import { oneControlPlane } from './one-control-plane.ts';

interface Listed {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly service: string; readonly port: number };
}

describe('endpoints', () => {
  const plane = oneControlPlane();
  const list = async (path: string) => {
    const { admin } = plane;
    const answer = await admin.call('GET', path);
    assert.equal(answer.status, 200, answer.text);
    const items = answer.field('items') as Listed[];
    return {
      ports: items.map(({ spec }) => spec.port),
      names: items.map(({ metadata }) => metadata.name),
      next: String(answer.field('metadata', 'continue')),
      left: answer.field('metadata', 'remainingItemCount'),
    };
  };

  it('are listed by Service and in its order, in pages and by what they are', async () => {
    await plane.admin.apply([
      service('b', [9003]),
      service('a', [9002, 9001]),
      { kind: 'Service', metadata: { name: 'c', namespace: 'shop' } as { name: string }, spec: {} },
    ]);
    const all = await list('namespaces/default/endpoints');
    assert.deepEqual([all.ports, all.next, all.left], [[9002, 9001, 9003], '', 0]);
    assert.deepEqual((await list('endpoints')).ports, all.ports);
    const first = await list('endpoints?limit=2');
    assert.deepEqual([first.ports, first.left], [[9002, 9001], 1]);
    const second = await list(`endpoints?limit=2&continue=${encodeURIComponent(first.next)}`);
    assert.deepEqual([second.ports, second.next], [[9003], '']);
    assert.deepEqual((await list('endpoints?fieldSelector=spec.service%3Db')).ports, [9003]);
    assert.deepEqual((await list('endpoints?fieldSelector=status.state!%3Dunknown')).ports, []);
    assert.deepEqual((await list('namespaces/default/services/a/endpoints')).ports, [9002, 9001]);
    assert.deepEqual((await list('namespaces/shop/services/c/endpoints')).ports, []);
    const one = await plane.admin.call('GET', `namespaces/default/endpoints/${all.names[0]}`);
    assert.deepEqual([one.field('spec', 'port'), one.field('status', 'of')], [9002, 0]);
  });

  it('say what there is not, and what cannot be asked', async () => {
    const { admin } = plane;
    const refused = async (method: string, path: string): Promise<unknown[]> => {
      const answer = await admin.call(method, path);
      return [answer.status, answer.field('code')];
    };
    assert.deepEqual(await refused('GET', 'namespaces/default/endpoints/e-0'), [404, 'not_found']);
    assert.deepEqual(await refused('GET', 'namespaces/default/services/nope/endpoints'), [404, 'not_found']);
    assert.deepEqual(await refused('GET', 'namespaces/default/services/nope/load'), [404, 'not_found']);
    assert.deepEqual(await refused('GET', 'endpoints?fieldSelector=spec.port%3D1'), [400, 'malformed']);
    assert.deepEqual(await refused('GET', 'endpoints?continue=gone'), [410, 'expired']);
    assert.deepEqual(await refused('DELETE', 'namespaces/default/endpoints/e-0'), [
      405,
      'method_not_allowed',
    ]);
    assert.deepEqual(await refused('POST', 'namespaces/default/services/nope/resetBreaker'), [
      404,
      'not_found',
    ]);
    assert.deepEqual(await refused('POST', 'namespaces/default/services/a/resetBreaker'), [409, 'conflict']);
    assert.deepEqual(await refused('POST', 'keys/tls/rotate'), [404, 'not_found']);
    assert.equal((await admin.call('POST', 'keys/session/rotate')).text, '{"purpose":"session"}');
  });
});
