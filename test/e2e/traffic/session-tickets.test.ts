// Sessions of TLS are resumed on any node of a Gateway, until the keys of their tickets are replaced.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, type SecureVersion } from 'node:tls';
import { promisify } from 'node:util';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../../kit/eventually.ts';
import { OwnScope } from '../../kit/owner.ts';
import { type ControlPlane, type DataPlaneNode, startControlPlane, startNode } from '../../kit/processes.ts';
import { gateway, type Resource } from '../../kit/resources.ts';
import { startSyncNode } from '../../kit/sync-node.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
/** Enough that each worker of a node gets some of so many connections. */
const manyConnections = 24;

interface Visit {
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
}

async function visit(node: DataPlaneNode, version: SecureVersion, session?: Buffer): Promise<Visit> {
  const socket = connect({
    host: '127.0.0.1',
    port: await node.trafficPort('https'),
    servername: 'www.shop.test',
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ...(session && { session }),
  });
  let given: Buffer | undefined;
  socket.on('session', (ticket: Buffer) => (given = ticket));
  await once(socket, 'secureConnect');
  const isResumed = socket.isSessionReused();
  // What is asked for comes behind the tickets of TLS 1.3.
  socket.end('GET / HTTP/1.1\r\nHost: www.shop.test\r\nConnection: close\r\n\r\n');
  await once(socket.resume(), 'close');
  return { isResumed, session: given };
}

/** How many of many connections go on with the session. */
async function resumed(node: DataPlaneNode, version: SecureVersion, session: Buffer): Promise<number> {
  const visits = Array.from({ length: manyConnections }, () => visit(node, version, session));
  return (await Promise.all(visits)).filter(({ isResumed }) => isResumed).length;
}

async function openssl(node: DataPlaneNode, ...args: string[]): Promise<string> {
  const connection = ['-connect', `127.0.0.1:${await node.trafficPort('https')}`, '-ign_eof'];
  const running = promisify(execFile)('openssl', ['s_client', ...connection, ...args]);
  running.child.stdin?.end('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  return (await running).stdout;
}

describe('session tickets of TLS', () => {
  const scope = new OwnScope();
  let controlPlane: ControlPlane;
  let nodes: readonly DataPlaneNode[];
  let elsewhere: DataPlaneNode;
  let resources: readonly Resource[];

  before(async () => {
    const authority = await TestAuthority.create();
    const www = await authority.issue({ names: ['www.shop.test'] });
    const tls = { certificates: ['www'] };
    const listeners = [{ name: 'https', address: '127.0.0.1', port: 0, protocol: 'https', tls }];
    resources = [
      { kind: 'Certificate', metadata: { name: 'www' }, spec: www },
      gateway({ listeners }),
      { kind: 'Gateway', metadata: { name: 'elsewhere' }, spec: { listeners } },
    ];
    controlPlane = await startControlPlane(scope);
    await controlPlane.admin.apply(resources);
    nodes = await Promise.all(
      ['node-1', 'node-2'].map((id) => startNode(scope, { controlPlane, id, workers: 2 })),
    );
    elsewhere = await startNode(scope, { controlPlane, id: 'node-3', gateway: 'elsewhere' });
  });
  after(() => scope.end());

  for (const version of versions)
    it(`are taken by every worker of every node of the Gateway, and of no other (${version})`, async () => {
      for (const node of nodes) {
        const { session, isResumed } = await visit(node, version);
        assert.ok(session && !isResumed);
        for (const other of nodes) assert.equal(await resumed(other, version, session), manyConnections);
        assert.equal(await resumed(elsewhere, version, session), 0);
      }
    });

  it('are taken by another node from openssl', async (t) => {
    const directory = await tempDir(t);
    for (const version of ['-tls1_2', '-tls1_3']) {
      const file = join(directory, version);
      assert.match(await openssl(nodes[0]!, version, '-sess_out', file), /^New, TLSv1\.[23]/m);
      assert.match(await openssl(nodes[1]!, version, '-sess_in', file), /^Reused, TLSv1\.[23]/m);
    }
  });

  it('are taken while the control plane is away, and when it is back', async () => {
    const { session } = await visit(nodes[0]!, 'TLSv1.3');
    await controlPlane.kill();
    assert.equal(await resumed(nodes[1]!, 'TLSv1.3', session!), manyConnections);
    await controlPlane.start();
    await controlPlane.admin.waitUntilApplied(await controlPlane.admin.apply(resources), [
      'node-1',
      'node-2',
      'node-3',
    ]);
    assert.equal(await resumed(nodes[1]!, 'TLSv1.3', session!), manyConnections);
  });

  it('have keys that are in no dump, log or file (invariant 11)', async (t) => {
    const credential = (await readFile(controlPlane.nodeTokenFile, 'utf8')).trim();
    const dataDir = await tempDir(t);
    const spy = await startSyncNode(t, {
      streamPort: controlPlane.streamPort,
      credential,
      id: 'spy',
      dataDir,
    });
    const keys = await eventually(() => spy.ticketKeys[0], { what: 'the keys', until: Boolean });
    const dump = await controlPlane.admin.call('GET', 'nodes/node-1/configDump');
    assert.equal(dump.status, 200);
    const logs = [controlPlane.child, ...nodes.map(({ child }) => child)].flatMap((child) => child.logs);
    assert.ok(logs.length > 0);
    const shown = Buffer.from(dump.text + JSON.stringify(logs));
    const files = await Promise.all(
      [controlPlane.dataDir, ...nodes.map((node) => node.dataDir), dataDir].map(filesBelow),
    );
    const seen = [shown, ...files.flat()];
    assert.ok(files.flat().length > 4);
    for (const part of [keys!.subarray(0, 16), keys!.subarray(16, 32), keys!.subarray(32)]) {
      const bytes = Buffer.from(part);
      const forms = [bytes, ...(['hex', 'base64'] as const).map((form) => bytes.toString(form).slice(0, 20))];
      for (const form of forms) assert.ok(seen.every((known) => !known.includes(form)));
    }
  });
});

describe('session tickets of TLS whose keys are replaced often', () => {
  for (const version of versions)
    it(`are refused in the end, and new ones are taken by all nodes (${version})`, async (t) => {
      const authority = await TestAuthority.create();
      const controlPlane = await startControlPlane(t, { flags: ['--session-ticket-rotation', '3s'] });
      const tls = { certificates: ['www'] };
      await controlPlane.admin.apply([
        {
          kind: 'Certificate',
          metadata: { name: 'www' },
          spec: await authority.issue({ names: ['www.shop.test'] }),
        },
        gateway({ listeners: [{ name: 'https', address: '127.0.0.1', port: 0, protocol: 'https', tls }] }),
      ]);
      const [one, other] = await Promise.all(
        ['node-1', 'node-2'].map((id) => startNode(t, { controlPlane, id })),
      );
      const { session } = await visit(one!, version);
      for (const node of [one!, other!])
        await eventually(() => resumed(node, version, session!), {
          what: 'full handshakes on every worker',
          until: (count) => count === 0,
        });
      await eventually(
        async () => {
          const { session: fresh } = await visit(one!, version);
          return resumed(other!, version, fresh!);
        },
        { what: 'new tickets on the other node', until: (count) => count === manyConnections },
      );
    });
});

async function filesBelow(directory: string): Promise<Buffer[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  // One that is being written goes by another name a moment later.
  const lasting = files.filter(({ name }) => !name.endsWith('.tmp'));
  return Promise.all(lasting.map((file) => readFile(join(file.parentPath, file.name))));
}
