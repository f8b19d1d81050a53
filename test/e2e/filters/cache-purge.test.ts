// What takes stored answers out of the caches of all workers and nodes.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startOrigin } from '../../kit/upstreams/origin.ts';

it('has every worker of a node forget what one of them has seen change', async (t) => {
  const origin = await startOrigin(t);
  const { nodes } = await startSystem(t, {
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
});
