// `gwctl get connections` and `gwctl drain`, over nodes that answer what a test tells them to.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import type { CommandHandlers } from '@causeway/data-plane/sync/command-runner';
import { eventually } from '../../kit/eventually.ts';
import { gwctl } from '../../kit/gwctl.ts';
import { type ControlPlane, startControlPlane } from '../../kit/processes.ts';
import { gateway, service } from '../../kit/resources.ts';
import { startSyncNode, type SyncNode } from '../../kit/sync-node.ts';
import { startTranscript } from './transcript.ts';

const chat = {
  kind: 'Route',
  metadata: { name: 'chat' },
  spec: {
    hosts: ['chat.example.com'],
    backends: [{ service: 'chat' }],
    timeouts: { streamIdle: '5m' },
    websocket: { allowOrigins: ['https://chat.example.com'], pingInterval: '30s', maxConnections: 20_000 },
    sse: { keepAlive: '15s' },
  },
};

const minuteMs = 60_000;

function connection(id: string, ageMs: number, more: object = {}) {
  return {
    id,
    kind: 'websocket',
    route: 'default/chat',
    service: 'default/chat',
    endpoint: 'e-a30e5af1ec',
    client: '203.0.113.9',
    host: 'chat.example.com',
    protocol: 'HTTP/1.1',
    revision: 1,
    startedAtMs: Date.now() - ageMs,
    bytesIn: 1536,
    bytesOut: 7_340_032,
    requestId: `01kamxz0000000${id}`,
    ...more,
  };
}

const answering = (connections: object[], counts: object): CommandHandlers => ({
  connections: async () => ({ ...counts, connections }),
});

/** A node that has the revision, and can be asked. */
async function joined(t: TestContext, controlPlane: ControlPlane, id: string, commands: CommandHandlers) {
  const { admin, nodeTokenFile, streamPort } = controlPlane;
  const credential = (await readFile(nodeTokenFile, 'utf8')).trim();
  const node = await startSyncNode(t, { streamPort, credential, id, commands });
  await admin.waitUntilApplied(1, [id]);
  await eventually(() => admin.call('GET', `nodes/${id}/configDump`), {
    what: `${id} can be asked`,
    until: ({ status }) => status === 200,
  });
  return node;
}

async function fleet(t: TestContext): Promise<{ controlPlane: ControlPlane; nodes: SyncNode[] }> {
  const controlPlane = await startControlPlane(t);
  await controlPlane.admin.apply([gateway(), service('chat', [9102]), chat]);
  const old = [
    connection('a1', 9 * minuteMs),
    connection('b2', 3 * minuteMs, { client: '2001:db8::7', kind: 'events', protocol: 'HTTP/2', bytesIn: 0 }),
  ];
  const young = [connection('c3', 5 * minuteMs, { revision: 2 })];
  const nodes = [
    await joined(
      t,
      controlPlane,
      'edge-1',
      answering(old, { total: 2, byRevision: [{ revision: 1, count: 2 }] }),
    ),
    await joined(
      t,
      controlPlane,
      'edge-2',
      answering(young, {
        total: 3,
        byRevision: [
          { revision: 2, count: 2 },
          { revision: 1, count: 1 },
        ],
      }),
    ),
  ];
  return { controlPlane, nodes };
}

/** What it tells of itself is shown. */
async function telling(controlPlane: ControlPlane, node: SyncNode, status: Partial<SyncNode['status']>) {
  node.status = { ...node.status, ...status };
  node.sync.statusChanged();
  const [field, value] = Object.entries(status).at(-1)!;
  await eventually(() => controlPlane.admin.call('GET', `nodes/${node.id}`), {
    what: `${field} of ${node.id} is shown`,
    until: (answer) => JSON.stringify(answer.field('status', field)) === JSON.stringify(value),
  });
}

test('live connections: tables, selectors, counts', async (t) => {
  const { controlPlane, nodes } = await fleet(t);
  const session = await startTranscript(t, { config: controlPlane.gwctlConfig });
  await session.gwctl('get', 'connections');
  await session.gwctl('get', 'conn', '--field-selector', 'node=edge-1', '-o', 'wide');
  await session.gwctl('get', 'connections', '-A', '-o', 'name');
  await session.gwctl('get', 'connections', '--field-selector', 'node=edge-2', '-o', 'yaml');
  await session.gwctl('get', 'connections', '--field-selector', 'node=edge-9');
  await session.gwctl('get', 'connections', '--field-selector', 'spec.route=chat');
  await session.gwctl('get', 'connections', '-l', 'team=shop');
  await session.gwctl('get', 'connections', 'edge-1-a1');
  await session.gwctl('describe', 'connections');
  await telling(controlPlane, nodes[1]!, { streams: { webSockets: 203, events: 1, records: 0 } });
  await session.gwctl('describe', 'node', 'edge-2');
  await session.gwctl('describe', 'route', 'chat');
  await session.gwctl('route', 'explain', 'GET', 'http://chat.example.com/');
  await session.gwctl('complete', '--', 'get', 'conn');
  await session.gwctl('complete', '--', 'get', 'connections', '');
  await session.gwctl('complete', '--', 'drain', '');
  await joined(t, controlPlane, 'edge-3', { connections: () => new Promise(() => {}) });
  await session.gwctl('get', 'connections', '--field-selector', 'kind=websocket');
  await session.matches('connections');
});

const atStart = {
  delayMs: 5000,
  connections: 1822,
  webSockets: 203,
  ended: 0,
  closed: 0,
  cut: 0,
  done: false,
};

/** Does as a node does that is told to drain, and goes. */
async function draining(controlPlane: ControlPlane, node: SyncNode): Promise<void> {
  await eventually(() => node.logs.includes('drain'), { what: `${node.id} is told` });
  await telling(controlPlane, node, { draining: true, drain: atStart });
  await telling(controlPlane, node, { drain: { ...atStart, ended: 1619, closed: 203, done: true } });
  await node.sync.stop();
}

test('draining a node', async (t) => {
  const { controlPlane, nodes } = await fleet(t);
  const session = await startTranscript(t, { config: controlPlane.gwctlConfig });
  const [one, two] = nodes as [SyncNode, SyncNode];
  await session.gwctl('drain', 'edge-9');
  const drained = draining(controlPlane, one);
  await session.gwctl('drain', 'edge-1', '--wait');
  await drained;
  await session.gwctl('get', 'nodes', '-o', 'wide');
  const later = eventually(() => two.logs.includes('drain'), { what: 'the other is told' }).then(() =>
    telling(controlPlane, two, { connections: 12, draining: true, drain: { ...atStart, delayMs: 0 } }),
  );
  await session.gwctl('drain', 'edge-2');
  await later;
  await session.gwctl('get', 'nodes');
  await session.gwctl('describe', 'node', 'edge-2');
  await session.gwctl('drain', 'edge-2');
  await session.gwctl('drain', 'edge-2', '--wait', '--timeout', '100ms');
  await session.file(
    'later.yaml',
    'apiVersion: causeway/v1\nkind: Service\nmetadata: {name: later}\nspec: {}\n',
  );
  await session.gwctl('apply', '-f', 'later.yaml', '--wait');
  await session.matches('drain');
});

test('who waits for a drain is told when another process has taken the place of the node', async (t) => {
  const { controlPlane, nodes } = await fleet(t);
  const [one] = nodes as [SyncNode];
  const ended = gwctl(['drain', 'edge-1', '--wait'], { config: controlPlane.gwctlConfig });
  await eventually(() => one.logs.includes('drain'), { what: 'it is told' });
  await telling(controlPlane, one, { draining: true, drain: atStart });
  await one.sync.stop();
  await joined(t, controlPlane, 'edge-1', {});
  const { code, stderr } = await ended;
  assert.equal(code, 1);
  assert.equal(stderr, 'error: node/edge-1 was started again before it said that it is drained\n');
});
