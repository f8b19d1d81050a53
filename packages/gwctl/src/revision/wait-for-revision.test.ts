import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createAdminClient } from '@causeway/admin-client/client';
import type { RevisionNode, RevisionStatus } from '@causeway/model/api-types';
import { Failure } from '../failure.ts';
import { testIo } from '../testing/test-io.ts';
import { waitForRevision } from './wait-for-revision.ts';

function status(...nodes: RevisionNode[]): RevisionStatus {
  const count = (...states: string[]): number => nodes.filter(({ state }) => states.includes(state)).length;
  const counts = {
    total: nodes.length - count('offline', 'draining'),
    applied: count('applied', 'superseded'),
    pending: count('pending'),
    rejected: count('rejected'),
    offline: count('offline'),
  };
  const kind = 'RevisionStatus';
  return { apiVersion: '', kind, revision: 7, committedAt: '', state: 'pending', counts, nodes };
}

/** Waits at a server that streams these statuses and then ends the stream, breaks it or leaves it open. */
async function waited(
  t: TestContext,
  statuses: RevisionStatus[],
  then: 'end' | 'break' | 'hang',
  timeoutMs = 5000,
) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const line of statuses) response.write(`${JSON.stringify(line)}\n`);
    if (then === 'end') response.end();
    if (then === 'break') setTimeout(() => response.destroy(), 20);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const io = testIo();
  const session = {
    io,
    client: createAdminClient({ server: url }),
    server: url,
    token: undefined,
    context: undefined,
    namespace: 'default',
    namespaceIsAsked: false,
  };
  const failure = await waitForRevision(session, 7, timeoutMs).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof Failure);
      return error;
    },
  );
  return { stdout: io.stdout.join('\n'), stderr: io.stderr.join('\n'), failure };
}

const problem = {
  reason: 'listener_failed',
  resource: 'gateway/default',
  pointer: '/spec/a',
  detail: 'no',
} as const;

describe('waiting for a revision', () => {
  it('ends with the last status, and tells how long it took', async (t) => {
    const before = status({ node: 'a', state: 'pending', applied: 6 });
    const after = status(
      { node: 'a', state: 'applied', applied: 7, tookMs: 9 },
      { node: 'b', state: 'superseded', applied: 8, tookMs: 4 },
    );
    const { stdout, failure } = await waited(t, [before, after], 'end');
    assert.equal(failure, undefined);
    assert.equal(
      stdout,
      [
        '',
        'NODE   STATUS       TIME   REASON',
        'a      APPLIED      9ms    -',
        'b      SUPERSEDED   4ms    has revision 8',
        'revision 7 is live on 2 of 2 nodes after 9ms',
      ].join('\n'),
    );
  });

  it('fails with 4 and every reason where nodes reject it', async (t) => {
    const rejecting = (node: string, applied: number): RevisionNode => ({
      node,
      state: 'rejected',
      applied,
      tookMs: 5,
      problems: [problem],
    });
    const { failure } = await waited(
      t,
      [status(rejecting('a', 6), { ...rejecting('b', 0), nextTryInMs: 2000 })],
      'end',
    );
    assert.equal(failure?.exitCode, 4);
    assert.equal(
      failure.text(),
      [
        '',
        'error: a rejected revision 7',
        '  gateway/default /spec/a: no',
        '  a goes on serving revision 6',
        'b rejected revision 7:',
        '  gateway/default /spec/a: no',
        '  b serves nothing yet and tries again by itself, next in 2s',
        'hint: free the port on a, b, or apply the configuration of before',
      ].join('\n'),
    );
  });

  it('fails with 5 where a node does not answer in time, and does not wait for one that is away', async (t) => {
    const nodes = [
      { node: 'a', state: 'pending', applied: 6, lastSeenMs: 14_000 },
      { node: 'b', state: 'offline', applied: 6, lastSeenMs: 180_000 },
    ] as const;
    const { stdout, failure } = await waited(t, [status(...nodes)], 'hang', 100);
    assert.equal(failure?.exitCode, 5);
    assert.match(failure.message, /^a did not answer within 100ms; the revision stands$/);
    assert.match(stdout, /a +PENDING +\d+ms +no answer; last seen 14s ago/);
    assert.match(stdout, /b +OFFLINE +- +since 3m; will get revision 7 when it returns/);
    assert.match(stdout, /revision 7 is live on 0 of 1 connected nodes$/);
  });

  it('waits for no node that drains', async (t) => {
    const nodes = [
      { node: 'a', state: 'applied', applied: 7, tookMs: 9 },
      { node: 'b', state: 'draining', applied: 6 },
    ] as const;
    const { stdout, failure } = await waited(t, [status(...nodes)], 'end');
    assert.equal(failure, undefined);
    assert.match(stdout, /b +DRAINING +- +keeps revision 6 until it is gone/);
    assert.match(stdout, /revision 7 is live on 1 of 1 connected nodes after 9ms$/);
  });

  it('says that the revision stands when the control plane goes away', async (t) => {
    const { failure } = await waited(t, [status({ node: 'a', state: 'pending', applied: 6 })], 'break');
    assert.equal(failure?.exitCode, 1);
    assert.match(
      failure.text(),
      /cannot reach the control plane at .*\n {2}revision 7 is committed and stands/,
    );
  });

  it('warns when there is no node', async (t) => {
    const { stdout, stderr, failure } = await waited(t, [status()], 'end');
    assert.deepEqual([stdout, failure], ['', undefined]);
    assert.match(stderr, /^warning: no node is connected; the next one that joins gets revision 7$/);
  });
});
