import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { type DataPlaneNode, startSystem } from '../../kit/processes.ts';
import { startTranscript } from './transcript.ts';

function gatewayFile(port?: number): string {
  const more = port === undefined ? '' : `    - {name: more, address: 127.0.0.1, port: ${port}}\n`;
  return `apiVersion: causeway/v1
kind: Gateway
metadata: {name: default}
spec:
  listeners:
    - {name: http, address: 127.0.0.1, port: 0}
${more}`;
}

test('apply --wait when a port is taken on one of two nodes, and when a node does not answer', async (t) => {
  const { controlPlane, nodes, admin } = await startSystem(t, { nodes: ['edge-1', 'edge-2'] });
  const [first, second] = nodes as [DataPlaneNode, DataPlaneNode];
  const port = await freePort();
  const session = await startTranscript(t, {
    config: controlPlane.gwctlConfig,
    variables: [[String(port), '<port>']],
  });
  await session.file('gateway.yaml', gatewayFile(port));
  // Both nodes share this machine: the one that is held back finds the port taken by the other.
  second.child.signal('SIGSTOP');
  const applied = session.gwctl('apply', '-f', 'gateway.yaml', '--wait', '-m', 'listen on one more');
  await eventually(() => admin.revisionStatus(2), {
    what: 'revision 2 on edge-1',
    until: (status) => status.nodes.some(({ node, applied: held }) => node === 'edge-1' && held === 2),
  });
  second.child.signal('SIGCONT');
  await applied;
  await session.gwctl('get', 'nodes');
  await session.gwctl('describe', 'node', 'edge-2');
  await session.gwctl('get', 'gateways');
  await session.gwctl('describe', 'gateway', 'default');

  await session.file('gateway.yaml', gatewayFile());
  await session.gwctl('apply', '-f', 'gateway.yaml', '--wait', '-m', 'as before');
  await session.gwctl('get', 'nodes', '-o', 'wide');
  await second.stop();
  first.child.signal('SIGSTOP');
  await session.file('gateway.yaml', gatewayFile().replace('name: http', 'name: web'));
  await session.gwctl('apply', '-f', 'gateway.yaml', '--wait', '--timeout', '1s');
  first.child.signal('SIGCONT');
  await session.matches('rejection');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
