// The config stream between a real control plane and the data plane's sync client: what is sent, and what is not.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { type ControlPlane, startControlPlane } from '../../kit/processes.ts';
import { type Relay, startRelay } from '../../kit/relay.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startSyncNode, type SyncNode } from '../../kit/sync-node.ts';
import { tempDir } from '../../kit/temp-dir.ts';

interface Setting {
  controlPlane: ControlPlane;
  relay: Relay;
  credential: string;
  dataDir: string;
  join: (id: string, gatewayName?: string) => Promise<SyncNode>;
}

async function start(t: TestContext): Promise<Setting> {
  const controlPlane = await startControlPlane(t);
  const relay = await startRelay(t, () => controlPlane.streamPort);
  const credential = (await readFile(controlPlane.nodeTokenFile, 'utf8')).trim();
  const dataDir = await tempDir(t);
  const join = (id: string, gatewayName = 'default'): Promise<SyncNode> =>
    startSyncNode(t, { streamPort: relay.port, credential, id, dataDir, gateway: gatewayName });
  return { controlPlane, relay, credential, dataDir, join };
}

const many = (count: number): Resource[] => [
  gateway(),
  service('a', [9001]),
  ...Array.from({ length: count }, (_, index) => route(`r${index}`, `/r${index}`, 'a')),
];

const holds = (node: SyncNode, revision: number): Promise<unknown> =>
  eventually(() => node.sync.appliedRevision, {
    what: `${node.id} holds revision ${revision}`,
    until: (now) => now === revision,
  });

describe('config stream', () => {
  it('sends everything once, then only what changed', async (t) => {
    const { controlPlane, relay, join } = await start(t);
    const first = await controlPlane.admin.apply(many(2000));
    const node = await join('n1');
    await holds(node, first);
    assert.equal(node.updates[0]!.changed.length, 2002);
    const before = relay.bytesDown;
    const second = await controlPlane.admin.apply([route('r7', '/changed', 'a')]);
    await holds(node, second);
    assert.deepEqual(
      node.updates[1]!.changed.map(({ key }) => key),
      ['route/default/r7'],
    );
    const resourceBytes = node.updates[1]!.items.get('route/default/r7')!.bytes.byteLength;
    const sent = relay.bytesDown - before;
    assert.ok(sent < 2048 + resourceBytes, `${sent} bytes for a resource of ${resourceBytes}`);
    await controlPlane.admin.waitUntilApplied(second, ['n1']);
  });

  it('sends nothing to a node that comes back with the current digest', async (t) => {
    const { controlPlane, relay, join } = await start(t);
    const revision = await controlPlane.admin.apply(many(500));
    const node = await join('n1');
    await holds(node, revision);
    await controlPlane.admin.waitUntilApplied(revision, ['n1']);
    const before = relay.bytesDown;
    relay.cut();
    const connections = (): number => node.logs.filter((line) => line.includes('"connected to')).length;
    await eventually(connections, { what: 'the node is back', until: (count) => count === 2 });
    await controlPlane.admin.waitUntilApplied(revision, ['n1']);
    assert.equal(node.updates.length, 1);
    assert.ok(relay.bytesDown - before < 1024, `${relay.bytesDown - before} bytes`);
  });

  it('brings a node that missed revisions up to date with the buckets that differ, also after a restart of the control plane', async (t) => {
    const { controlPlane, relay, join } = await start(t);
    await controlPlane.admin.apply(many(1000));
    const node = await join('n1');
    await eventually(() => node.updates.length > 0, { what: 'the first snapshot' });
    await controlPlane.stop();
    await eventually(() => !node.sync.connected, { what: 'the node notices' });
    await controlPlane.start();
    relay.cut();
    const before = relay.bytesDown;
    const revision = await controlPlane.admin.apply([route('r1', '/changed', 'a')]);
    await holds(node, revision);
    assert.deepEqual(
      node.updates.at(-1)!.changed.map(({ key }) => key),
      ['route/default/r1'],
    );
    assert.ok(relay.bytesDown - before < 16 * 1024, `${relay.bytesDown - before} bytes`);
  });

  it('keeps what a node serves when it refuses an update, tells why, and takes the late Ack', async (t) => {
    const { controlPlane, join } = await start(t);
    const { admin } = controlPlane;
    await admin.apply(many(3));
    const node = await join('n1');
    await eventually(() => node.updates.length > 0, { what: 'the first snapshot' });
    const served = node.sync.appliedRevision;
    node.problems = [
      {
        reason: 'listener_failed',
        resource: 'gateway/default',
        pointer: '/spec/listeners/0/port',
        detail: 'taken',
      },
    ];
    const revision = await admin.apply([route('r1', '/elsewhere', 'a')]);
    const status = await eventually(() => admin.revisionStatus(revision), {
      what: 'the refusal is told',
      until: ({ state }) => state === 'rejected',
    });
    assert.match(JSON.stringify(status), /listener_failed.*gateway\/default.*taken/);
    assert.equal(node.sync.appliedRevision, served);
    node.problems = [];
    await holds(node, revision);
    await eventually(() => admin.revisionStatus(revision), {
      what: 'the late Ack is told',
      until: ({ state }) => state === 'applied',
    });
    assert.equal(node.sync.appliedRevision, revision);
    const next = await admin.apply([route('r2', '/elsewhere', 'a')]);
    await admin.waitUntilApplied(next, ['n1']);
  });

  it('sends a newer revision to a node that refused the one before', async (t) => {
    const { controlPlane, join } = await start(t);
    const { admin } = controlPlane;
    await admin.apply(many(3));
    const node = await join('n1');
    await eventually(() => node.updates.length > 0, { what: 'the first snapshot' });
    node.problems = [{ reason: 'invalid_resource', resource: 'route/default/r1', pointer: '', detail: 'no' }];
    const refused = await admin.apply([route('r1', '/elsewhere', 'a')]);
    await eventually(() => admin.revisionStatus(refused), {
      what: 'the refusal',
      until: ({ state }) => state === 'rejected',
    });
    node.problems = [];
    const revision = await admin.apply([route('r1', '/r1', 'a')]);
    await admin.waitUntilApplied(revision, ['n1']);
  });

  it("gives a Gateway's nodes its own Routes and the Services that these use, nothing else", async (t) => {
    const { controlPlane, join } = await start(t);
    await controlPlane.admin.apply([
      gateway(),
      { kind: 'Gateway', metadata: { name: 'internal' }, spec: { listeners: [{ name: 'http', port: 0 }] } },
      service('a', [9001]),
      service('b', [9002]),
      service('unused', [9003]),
      route('public', '/p', 'a'),
      route('private', '/i', 'b', { gateways: ['internal'] }),
    ]);
    const node = await join('n1', 'internal');
    await eventually(() => node.updates.length > 0, { what: 'the first snapshot' });
    const [update] = node.updates;
    assert.deepEqual(update!.changed.map(({ key }) => key).toSorted(), [
      'gateway/internal',
      'route/default/private',
      'service/default/b',
    ]);
    assert.deepEqual([...update!.endpoints.keys()], ['default/b']);
  });

  it('refuses a snapshot without a Gateway, naming the one that the node wants', async (t) => {
    const { controlPlane, join } = await start(t);
    const { admin } = controlPlane;
    await admin.apply(many(1));
    await join('n1', 'nope');
    const node = await eventually(() => admin.call('GET', 'nodes/n1'), {
      what: 'the node refuses',
      until: (answer) => answer.status === 200 && answer.field('status', 'state') === 'REJECTED',
    });
    assert.match(
      node.text,
      /"invalid_resource","resource":"gateway\/nope".*no Gateway named .*nope.*--gateway/,
    );
    const gatewayOfIt = { ...gateway(), metadata: { name: 'nope' } };
    await admin.waitUntilApplied(await admin.apply([gatewayOfIt]), ['n1']);
  });

  it("tells nodes the control plane's own ports, so that no upstream can be there", async (t) => {
    const { controlPlane, join } = await start(t);
    const node = await join('n1');
    await eventually(() => node.sync.connected, { what: 'the node is connected' });
    const ports = [controlPlane.adminPort, controlPlane.streamPort];
    for (const port of ports) assert.ok(node.sync.controlPlanePorts.includes(port), `${port}`);
  });

  it('moves endpoints without sending the Service again', async (t) => {
    const { controlPlane, join } = await start(t);
    const { admin } = controlPlane;
    await admin.apply(many(1));
    const node = await join('n1');
    await eventually(() => node.updates.length > 0, { what: 'the first snapshot' });
    const revision = await admin.apply([service('a', [9001, 9002])]);
    await holds(node, revision);
    const update = node.updates.at(-1)!;
    assert.deepEqual(update.changed, []);
    assert.deepEqual(
      update.endpoints.get('default/a')!.entries.map(({ port }) => port),
      [9001, 9002],
    );
  });

  it('refuses a wrong credential, and a second live node with the same id', async (t) => {
    const { controlPlane, relay, credential } = await start(t);
    const stranger = await startSyncNode(t, { streamPort: relay.port, credential: 'cwn_wrong', id: 'n1' });
    await eventually(() => stranger.logs.some((line) => line.includes('node.token')), {
      what: 'the stranger is told what it needs',
    });
    assert.equal(stranger.sync.connected, false);
    const first = await startSyncNode(t, { streamPort: relay.port, credential, id: 'twin' });
    await controlPlane.admin.waitUntilApplied(await controlPlane.admin.apply(many(1)), ['twin']);
    const second = await startSyncNode(t, { streamPort: relay.port, credential, id: 'twin' });
    await eventually(() => second.logs.some((line) => line.includes('another node with the id twin')), {
      what: 'the second twin is refused',
    });
    assert.equal(second.updates.length, 0);
    assert.equal(first.sync.connected, true);
    // The pauses grow although each connection was accepted for a moment.
    const pauses = (): number[] =>
      second.logs.map((line) => (JSON.parse(line) as { retryMs?: number }).retryMs ?? 0);
    await eventually(() => Math.max(...pauses()), {
      what: 'the second twin waits longer than at first',
      until: (longest) => longest > 500,
      timeoutMs: 30_000,
    });
  });

  it('converges while many revisions come faster than nodes answer', async (t) => {
    const { controlPlane, join } = await start(t);
    const { admin } = controlPlane;
    await admin.apply(many(200));
    const nodes = await Promise.all(['n1', 'n2', 'n3'].map((id) => join(id)));
    let last = 0;
    for (let count = 0; count < 60; count++)
      last = await admin.apply([route(`r${count}`, `/changed-${count}`, 'a')]);
    await Promise.all(nodes.map((node) => holds(node, last)));
    const [one, ...others] = nodes.map((node) =>
      Buffer.from(node.updates.at(-1)!.items.rootDigest).toString('hex'),
    );
    for (const other of others) assert.equal(other, one);
  });

  it('answers a command beside the configuration', async (t) => {
    const { controlPlane, join } = await start(t);
    const { admin } = controlPlane;
    const revision = await admin.apply(many(1));
    const node = await join('n1');
    await holds(node, revision);
    const dump = await eventually(() => admin.call('GET', 'nodes/n1/configDump'), {
      what: 'the command channel is open',
      until: ({ status }) => status === 200,
    });
    assert.deepEqual(dump.json(), { node: 'n1', revision });
    assert.equal((await admin.call('GET', 'nodes/nobody/configDump')).status, 404);
  });
});
