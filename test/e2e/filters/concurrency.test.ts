// Requests at once, on a node of two workers: never more than the limit says, and those that wait get their turn.

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { startSystem } from '../../kit/processes.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { listen } from '../../kit/upstreams/listen.ts';

it('concurrency holds over all workers, and gives places back however a request ends', async (t) => {
  const open = new Set<ServerResponse>();
  const upstream = await listen(
    t,
    createServer((_request, response) => {
      open.add(response);
      response.once('close', () => open.delete(response));
    }),
  );
  const release = (): void => {
    for (const response of open) {
      open.delete(response);
      response.end('ok');
    }
  };
  const { nodes } = await startSystem(t, {
    resources: [
      gateway(),
      service('slow', [upstream]),
      route('strict', '/strict', 'slow', { filters: [{ concurrency: { max: 3 } }] }),
      route('patient', '/patient', 'slow', {
        filters: [{ concurrency: { max: 2, maxWaiting: 4, waitTimeout: '20s' } }],
      }),
    ],
  });
  const port = await nodes[0]!.trafficPort();
  const ask = async (path: string): Promise<number> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/${path}`, { reset: true });
    await body.dump();
    return statusCode;
  };
  const askMany = (count: number, path: string) => Array.from({ length: count }, () => ask(path));

  const strict = askMany(20, 'strict');
  await eventually(() => open.size, { what: 'three are under way', until: (size) => size === 3 });
  const refused = await Promise.all(strict.map((each) => Promise.race([each, eventuallyNothing()])));
  assert.equal(refused.filter((status) => status === 503).length, 17);
  release();
  const statuses = await Promise.all(strict);
  assert.deepEqual([statuses.filter((status) => status === 200).length, open.size], [3, 0]);

  // A client that leaves takes its place along.
  const leaving = await rawConnect(t, port);
  await leaving.send('GET /strict HTTP/1.1\r\nhost: a.test\r\n\r\n');
  await eventually(() => open.size, { what: 'it is under way', until: (size) => size === 1 });
  leaving.reset();
  await eventually(() => open.size, { what: 'it is gone', until: (size) => size === 0 });
  const again = askMany(3, 'strict');
  await eventually(() => open.size, { what: 'all places are free again', until: (size) => size === 3 });
  release();
  assert.deepEqual(await Promise.all(again), [200, 200, 200]);

  const patient = askMany(6, 'patient');
  for (let done = 0; done < 6; done += 2) {
    await eventually(() => open.size, { what: 'two are under way', until: (size) => size === 2 });
    release();
    await eventually(() => open.size, {
      what: 'others have come',
      until: (size) => size === 2 || done === 4,
    });
  }
  assert.deepEqual(await Promise.all(patient), [200, 200, 200, 200, 200, 200]);
});

/** For those that are not answered yet. */
async function eventuallyNothing(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  return 0;
}
