import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { ask, openSocket, sendRaw, until } from '../testing/http-client.ts';
import { before } from '../testing/node-before.ts';
import { type NodeFixture, routeItem } from '../testing/node-fixture.ts';

type Abort = { case: 'status'; value: number } | { case: 'reset'; value: boolean } | { case: undefined };

function faulty(context: TestContext, abort: Abort, delayMs = 0): Promise<NodeFixture> {
  const item = { case: 'faultInjection' as const, value: { percent: 100, delayMs, abort } };
  const filters = [{ name: 'faultInjection', phase: 1, item }];
  return before(context, (_request, response) => response.end('real'), [routeItem('r', '/', { filters })]);
}

describe('an injected fault', () => {
  it('is an answer of the status', async (context) => {
    const fixture = await faulty(context, { case: 'status', value: 418 });
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, answer.body], [418, 'A fault that the Route injects.\n']);
  });

  it('is a cut connection, at once or after a delay, and the node goes on', async (context) => {
    for (const delayMs of [0, 30]) {
      const fixture = await faulty(context, { case: 'reset', value: true }, delayMs);
      assert.equal(await sendRaw(context, fixture.port(), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), '');
      await until('it is over', () => fixture.records.length === 1);
      const [record] = fixture.records;
      assert.deepEqual([record?.status, record?.reason, fixture.node.activeRequests], [499, undefined, 0]);
    }
  });

  it('is a delay, which a client that leaves does not wait for', async (context) => {
    const fixture = await faulty(context, { case: undefined }, 100);
    const beganMs = performance.now();
    assert.equal((await ask({ port: fixture.port() })).body, 'real');
    assert.ok(performance.now() - beganMs >= 99);
    const slow = await faulty(context, { case: undefined }, 3_600_000);
    const socket = await openSocket(context, slow.port());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('it is there', () => slow.node.activeRequests === 1);
    socket.resetAndDestroy();
    await until('it is over', () => slow.records.length === 1);
    assert.equal(slow.records[0]?.reason, 'client_closed');
  });
});
