// What takes stored answers out of the caches of all workers and nodes.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { gwctl } from '../../kit/gwctl.ts';
import { scrape } from '../../kit/metrics.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startOrigin } from '../../kit/upstreams/origin.ts';

it('goes on all workers that can be told, and those that cannot are named', async (t) => {
  const origin = await startOrigin(t);
  const { nodes, controlPlane } = await startSystem(t, {
    workers: 2,
    resources: [
      gateway(),
      service('origin', [origin.port]),
      route('plain', '/plain', 'origin', { filters: [{ cache: {} }] }),
    ],
  });
  const url = `http://127.0.0.1:${await nodes[0]!.trafficPort()}/plain/shared`;
  /** A connection of its own, for either worker. */
  const read = async (method: 'GET' | 'PUT' = 'GET'): Promise<string> =>
    (await request(url, { method, reset: true })).body.text();
  let version = 1;
  origin.on('/plain/shared', (incoming, response) => {
    if (incoming.method === 'PUT') version += 1;
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end(`version ${version}`);
  });
  const toldWorkers = async (count: number): Promise<boolean> =>
    (await scrape(nodes[0]!)).value('causeway_cache_purged_total') === count;
  const readMany = () => Promise.all(Array.from({ length: 30 }, () => read()));
  for (let n = 0; (await scrape(nodes[0]!)).value('causeway_cache_entries') < 2; n += 1) {
    assert.ok(n < 20, 'both workers have it');
    await readMany();
  }
  await read('PUT');
  await eventually(() => toldWorkers(2), { what: 'both workers have forgotten it' });
  assert.deepEqual([...new Set(await readMany())], ['version 2']);

  // A node that cannot be told may still serve what it has.
  await nodes[0]!.kill();
  const config = controlPlane.gwctlConfig;
  await eventually(() => controlPlane.admin.call('GET', 'nodes/node-1'), {
    what: 'the node is known to be cut off',
    until: (answer) => answer.field('status', 'state') === 'OFFLINE',
  });
  const purged = await gwctl(['purge', 'cache', 'plain'], { config });
  assert.deepEqual(purged, {
    code: 1,
    stdout: '',
    stderr:
      'node-1: the node is not connected, and keeps what it has\nerror: the cache of route/plain is not purged on 1 node\n',
  });
});
