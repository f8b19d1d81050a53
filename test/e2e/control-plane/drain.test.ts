// A node that is told to drain over the admin API: it hears it, is shown as it goes, and is sent nothing any more.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { startControlPlane } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startSyncNode } from '../../kit/sync-node.ts';
import { problemOf } from './one-control-plane.ts';

const report = { delayMs: 5000, connections: 9, webSockets: 2, ended: 0, closed: 0, cut: 0, done: false };

describe('draining a node', () => {
  it('is told to it, shown, and left out of what is applied from then on', async (t) => {
    const { admin, nodeTokenFile, streamPort } = await startControlPlane(t);
    const revision = await admin.apply([gateway(), service('a', [9001]), route('r', '/', 'a')]);
    const credential = (await readFile(nodeTokenFile, 'utf8')).trim();
    const node = await startSyncNode(t, { streamPort, credential, id: 'n1' });
    await admin.waitUntilApplied(revision, ['n1']);
    const statusOf = async (what: string, isSo: (status: Record<string, unknown>) => boolean) => {
      const answer = await eventually(() => admin.call('GET', 'nodes/n1'), {
        what,
        until: (shown) => isSo(shown.field('status') as Record<string, unknown>),
      });
      return answer.field('status') as Record<string, unknown>;
    };
    node.status = { ...node.status, streams: { webSockets: 2, events: 3, records: 1 } };
    const counted = await statusOf('streams are counted', ({ streams }) => {
      return (streams as { events: number }).events === 3;
    });
    assert.deepEqual(counted['streams'], { webSockets: 2, events: 3, records: 1 });

    const answer = await admin.call('POST', 'nodes/n1/drain');
    assert.deepEqual([answer.status, answer.text], [202, JSON.stringify({ revision })]);
    assert.equal((await admin.call('GET', 'nodes/n1')).field('status', 'draining'), true, 'at once');
    await eventually(() => node.logs.includes('drain'), { what: 'the node hears it' });
    problemOf(await admin.call('POST', 'nodes/n1/drain'), 409, 'conflict');

    node.status = { ...node.status, draining: true, drain: report };
    node.sync.statusChanged();
    const shown = await statusOf('it tells how far it is', ({ drain }) => drain !== undefined);
    assert.deepEqual([shown['drain'], shown['state']], [report, 'SYNCED']);

    const later = await admin.apply([route('r', '/later', 'a')]);
    const way = await admin.call('GET', `revisions/${later}/status`);
    assert.equal(way.field('state'), 'applied', 'nobody is waited for');
    assert.deepEqual(way.field('counts'), { total: 0, applied: 0, pending: 0, rejected: 0, offline: 0 });
    assert.deepEqual(way.field('nodes'), [{ node: 'n1', applied: revision, state: 'draining' }]);
    assert.equal(node.updates.length, 1);

    // What it says last arrives, although its stream ends with it.
    node.status = { ...node.status, drain: { ...report, ended: 7, closed: 2, done: true } };
    node.sync.statusChanged();
    await node.sync.stop();
    const last = await statusOf('it is gone', (status) => status['state'] === 'OFFLINE');
    assert.deepEqual(last['drain'], { ...report, ended: 7, closed: 2, done: true });
    problemOf(await admin.call('POST', 'nodes/n1/drain'), 503, 'not_ready');
    problemOf(await admin.call('POST', 'nodes/n9/drain'), 404, 'not_found');
    problemOf(await admin.call('GET', 'nodes/n1/drain'), 405, 'method_not_allowed');
    problemOf(await admin.call('POST', 'nodes/n1/drain?force=true'), 400, 'malformed');
  });
});
