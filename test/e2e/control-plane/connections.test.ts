// Live connections over the admin API: asked from all nodes at once, by selectors, and without those that do not answer.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import type { CommandHandlers } from '@causeway/data-plane/sync/command-runner';
import type { ConnectionResource } from '@causeway/model/api-types';
import { eventually } from '../../kit/eventually.ts';
import { type ControlPlane, startControlPlane } from '../../kit/processes.ts';
import { startSyncNode } from '../../kit/sync-node.ts';
import { problemOf } from './one-control-plane.ts';

const startMs = Date.UTC(2026, 10, 23, 4);

interface Live {
  id: string;
  route?: string;
  revision?: number;
  startedAtMs?: number;
}

const live = ({ id, route = 'default/chat', revision = 7, startedAtMs = startMs }: Live) => ({
  id,
  kind: 'websocket',
  route,
  service: route,
  endpoint: '10.0.0.1:3000',
  client: '203.0.113.9',
  host: 'chat.example.com',
  protocol: 'HTTP/1.1',
  revision,
  startedAtMs,
  bytesIn: 10,
  bytesOut: 2048,
  requestId: `r${id}`,
});

/** A node that has these, and notes what it is asked. */
function having(connections: ReturnType<typeof live>[], asked: unknown[], total = connections.length) {
  const byRevision = [{ revision: connections[0]?.revision ?? 0, count: total }];
  const handlers: CommandHandlers = {
    connections: async (args) => {
      asked.push(args);
      return { total, byRevision, connections };
    },
  };
  return handlers;
}

async function joined(t: TestContext, controlPlane: ControlPlane, id: string, commands?: CommandHandlers) {
  const credential = (await readFile(controlPlane.nodeTokenFile, 'utf8')).trim();
  const options = { streamPort: controlPlane.streamPort, credential, id };
  const node = await startSyncNode(t, { ...options, ...(commands && { commands }) });
  // Its commands come on a stream of their own.
  await eventually(() => controlPlane.admin.call('GET', `nodes/${id}/configDump`), {
    what: `${id} can be asked`,
    until: ({ status }) => status === 200,
  });
  return node;
}

describe('live connections', () => {
  it('are those of all nodes, the oldest first, with counts by revision', async (t) => {
    const controlPlane = await startControlPlane(t);
    const asked: unknown[] = [];
    const one = [live({ id: 'a' }), live({ id: 'b', startedAtMs: startMs + 20 })];
    const two = [live({ id: 'c', startedAtMs: startMs + 10, revision: 8, route: 'shop/chat' })];
    await joined(t, controlPlane, 'edge-1', having(one, asked));
    await joined(t, controlPlane, 'edge-2', having(two, asked, 40));
    const answer = await controlPlane.admin.call('GET', 'connections');
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.field('kind'), 'ConnectionList');
    assert.deepEqual(answer.field('metadata'), {
      resourceVersion: '',
      continue: '',
      remainingItemCount: 39,
      unanswered: [],
      byRevision: [
        { revision: 8, count: 40 },
        { revision: 7, count: 2 },
      ],
    });
    const items = answer.field('items') as ConnectionResource[];
    assert.deepEqual(
      items.map(({ metadata }) => [metadata.name, metadata.namespace]),
      [
        ['edge-1-a', 'default'],
        ['edge-2-c', 'shop'],
        ['edge-1-b', 'default'],
      ],
    );
    assert.deepEqual(items[1], {
      apiVersion: 'causeway/v1',
      kind: 'Connection',
      metadata: { name: 'edge-2-c', namespace: 'shop' },
      spec: {
        node: 'edge-2',
        kind: 'websocket',
        route: 'chat',
        service: 'chat',
        endpoint: '10.0.0.1:3000',
        client: '203.0.113.9',
        host: 'chat.example.com',
        protocol: 'HTTP/1.1',
        requestId: 'rc',
      },
      status: { revision: 8, startedAt: '2026-11-23T04:00:00.010Z', bytesIn: 10, bytesOut: 2048 },
    });
    assert.deepEqual(asked, [{ limit: 500 }, { limit: 500 }]);
  });

  it('are selected on the nodes, which are asked for no more than are wanted', async (t) => {
    const controlPlane = await startControlPlane(t);
    const [first, second]: unknown[][] = [[], []];
    await joined(t, controlPlane, 'edge-1', having([live({ id: 'a' })], first!));
    await joined(t, controlPlane, 'edge-2', having([live({ id: 'b' })], second!));
    const list = async (path: string, selector: string) => {
      const query = selector === '' ? 'limit=1' : `limit=1&fieldSelector=${encodeURIComponent(selector)}`;
      const answer = await controlPlane.admin.call('GET', `${path}?${query}`);
      assert.equal(answer.status, 200, answer.text);
      return (answer.field('items') as ConnectionResource[]).map(({ spec }) => spec.node);
    };
    assert.deepEqual(await list('connections', 'node=edge-2'), ['edge-2']);
    assert.deepEqual([first, second], [[], [{ limit: 1 }]]);
    assert.deepEqual(await list('namespaces/shop/connections', ''), ['edge-1'], 'the limit is of all');
    await list('namespaces/shop/connections', 'route=chat,kind=events');
    await list('connections', 'service=chat, client == 203.0.113.9');
    await list('connections', 'route=shop/chat');
    assert.deepEqual(first, [
      { limit: 1, namespace: 'shop' },
      { limit: 1, namespace: 'shop', route: 'shop/chat', kind: 'events' },
      { limit: 1, service: 'default/chat', client: '203.0.113.9' },
      { limit: 1, route: 'shop/chat' },
    ]);
    assert.deepEqual(await list('connections', 'node=edge-9'), []);
  });

  it('are told without those of nodes that say nothing in time, or do not know what they are asked', async (t) => {
    const controlPlane = await startControlPlane(t);
    await joined(t, controlPlane, 'hangs', { connections: () => new Promise(() => {}) });
    await joined(t, controlPlane, 'old');
    await joined(t, controlPlane, 'well', having([live({ id: 'a' })], []));
    const gone = await joined(t, controlPlane, 'gone', having([live({ id: 'b' })], []));
    await gone.sync.stop();
    await eventually(() => controlPlane.admin.call('GET', 'nodes/gone'), {
      what: 'it is away',
      until: (answer) => answer.field('status', 'state') === 'OFFLINE',
    });
    const answer = await controlPlane.admin.call('GET', 'connections');
    assert.deepEqual(answer.field('metadata', 'unanswered'), ['hangs', 'old']);
    assert.equal((answer.field('items') as unknown[]).length, 1);
  });

  it('cannot be asked for otherwise', async (t) => {
    const { admin } = await startControlPlane(t);
    const refused = async (path: string): Promise<string> =>
      problemOf(await admin.call('GET', path), 400, 'malformed').detail;
    assert.match(
      await refused('connections?fieldSelector=route!%3Dchat'),
      /FIELD=VALUE.*route, service, node/,
    );
    assert.match(await refused('connections?fieldSelector=route%3Da,route%3Db'), /each field once/);
    assert.match(await refused('connections?fieldSelector=spec.route%3Da'), /cannot be selected by/);
    assert.match(await refused('connections?fieldSelector=kind%3Dtunnel'), /websocket, events, records/);
    assert.match(await refused('connections?labelSelector=a'), /labelSelector/);
    assert.match(await refused('connections?limit=5001'), /1 to 5000/);
    problemOf(await admin.call('DELETE', 'connections'), 405, 'method_not_allowed');
    problemOf(await admin.call('POST', 'namespaces/default/connections'), 405, 'method_not_allowed');
    for (const path of ['connections/edge-1-a', 'namespaces/default/connections/edge-1-a']) {
      const { detail } = problemOf(await admin.call('GET', path), 404, 'not_found');
      assert.match(detail, /connections are only listed/);
    }
    const document = await admin.call('GET', '/openapi.json');
    for (const path of ['connections', 'namespaces/{namespace}/connections']) {
      const parameters = document.field('paths', `/apis/causeway/v1/${path}`, 'get', 'parameters');
      const names = (parameters as { name: string; in: string }[])
        .filter((parameter) => parameter.in === 'query')
        .map(({ name }) => name);
      assert.deepEqual(names, ['limit', 'fieldSelector']);
    }
  });
});
