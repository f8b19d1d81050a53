// What a node with two workers does with more requests at once than it may have.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startSystem } from '../kit/processes.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { headerValues } from '../kit/raw-message.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { startSlow } from '../kit/upstreams/slow.ts';
import { problemOf } from './problem-of.ts';

const requestsMax = 20;
const clients = 200;

test(`of ${clients} requests at once a node takes at most ${requestsMax}, whichever worker they come to; the others are told when to come back`, async (t) => {
  const slow = await startSlow(t, { headDelayMs: 3_600_000 });
  const system = await startSystem(t, {
    resources: [
      gateway({ limits: { maxActiveRequests: requestsMax } }),
      service('slow', [slow.port]),
      route('slow', '/', 'slow', { timeouts: { responseHead: '3s' } }),
    ],
  });
  const port = await system.nodes[0]!.trafficPort();
  const connected = await Promise.all(Array.from({ length: clients }, () => rawConnect(t, port)));
  for (const client of connected) await client.send('GET / HTTP/1.1\r\nhost: a.test\r\n\r\n');
  const answers = await Promise.all(connected.map((client) => client.readResponse()));
  const refused = answers.filter(({ status }) => status === 503);
  for (const answer of refused)
    assert.deepEqual([...problemOf(answer), headerValues(answer, 'retry-after')], [503, 'overloaded', ['1']]);
  const taken = answers.filter(({ status }) => status === 504).length;
  t.diagnostic(`${taken} taken, ${refused.length} refused`);
  assert.equal(taken + refused.length, clients);
  // A refused request is among the active ones until it is told so, and two that meet may both be refused.
  assert.ok(taken <= requestsMax && taken >= requestsMax / 2, `${taken} were taken`);
  assert.equal(slow.started, taken);
  await eventually(() => slow.aborted, { what: 'all of them are let go', until: (count) => count === taken });
  // And there is room again.
  await connected[0]!.send('GET / HTTP/1.1\r\nhost: a.test\r\n\r\n');
  assert.equal((await connected[0]!.readResponse()).status, 504);
});
