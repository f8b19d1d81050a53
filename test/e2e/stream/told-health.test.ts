// What nodes tell about endpoints: it reaches the admin API, comes again with each stream, and is no revision.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { startControlPlane } from '../../kit/processes.ts';
import { startRelay } from '../../kit/relay.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startSyncNode } from '../../kit/sync-node.ts';

const unhealthy = { state: 'unhealthy', detail: 'status 503', sinceMs: Date.UTC(2026, 10, 1) } as const;
const unknown = { state: 'unknown', detail: '', sinceMs: 0 } as const;

describe('what a node tells about endpoints', () => {
  it('is shown, told again by each stream, and makes no revision', async (t) => {
    const controlPlane = await startControlPlane(t);
    const { admin } = controlPlane;
    const revision = await admin.apply([gateway(), service('s', [9001, 9002]), route('r', '/', 's')]);
    const relay = await startRelay(t, () => controlPlane.streamPort);
    const credential = (await readFile(controlPlane.nodeTokenFile, 'utf8')).trim();
    const node = await startSyncNode(t, { streamPort: relay.port, credential, id: 'n1' });
    await admin.waitUntilApplied(revision, ['n1']);
    const [one, other] = node.updates[0]!.endpoints.get('default/s')!.entries;
    const shown = (states: readonly string[]): Promise<unknown> =>
      eventually(() => admin.call('GET', 'namespaces/default/services/s/endpoints'), {
        what: `endpoints are ${states.join()}`,
        until: (answer) =>
          [0, 1].every((index) => answer.field('items', index, 'status', 'state') === states[index]),
      });
    node.health.note('default/s', one!.id, unhealthy);
    await shown(['unhealthy', 'unknown']);
    relay.cut();
    // What happens while nobody listens is told with what was there before.
    node.health.note('default/s', other!.id, { ...unhealthy, state: 'ejected' });
    await shown(['unhealthy', 'ejected']);
    node.health.note('default/s', one!.id, unknown);
    await shown(['unknown', 'ejected']);
    assert.equal(await admin.apply([service('s', [9001, 9002])]), revision);
  });
});
