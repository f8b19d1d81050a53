// Ours, as a user runs it: a control plane, one node, a Gateway, a Service and a Route.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import type { Peer } from './peer.ts';

/** Below it the messages of WebSockets are read, elsewhere they pass as bytes. */
export const ruledPath = '/ruled';

interface Setup {
  /** Of the access log; default: that of the others. */
  readonly format?: 'combined' | 'json';
  readonly workers?: number;
  /** How the upstream is spoken to. */
  readonly protocol?: 'http' | 'h2c';
}

function peer(name: string, { format = 'combined', workers = 1, protocol = 'http' }: Setup): Peer {
  return {
    name,
    logs: true,
    version() {
      const { version }: { version: string } = JSON.parse(
        readFileSync(join(repository, 'package.json'), 'utf8'),
      );
      return version;
    },
    async start({ owner, directory, upstreamPort, upstreamHttp2Port, certificate }) {
      const output = `file:${join(directory, 'access.log')}`;
      const listener = { address: '127.0.0.1', port: 0 };
      const listeners = [
        { ...listener, name: 'http' },
        { ...listener, name: 'https', protocol: 'https', tls: { certificates: ['localhost'] } },
      ];
      const resources = [
        { kind: 'Certificate', metadata: { name: 'localhost' }, spec: certificate },
        gateway({
          listeners,
          timeouts: { keepAlive: '1h' },
          limits: { maxRequestsPerConnection: 0 },
          accessLog: { format, output },
        }),
        service('behind', [protocol === 'http' ? upstreamPort : upstreamHttp2Port], {
          protocol,
          // The others have no such limit.
          pool: { maxConnections: 10_000 },
        }),
        route('behind', '/', 'behind'),
        route('ruled', ruledPath, 'behind', { websocket: { maxMessageSize: '64KiB' } }),
      ];
      const system = await startSystem(owner, { resources, workers });
      const [node] = system.nodes;
      if (node === undefined) throw new Error('the system has no node');
      // The node's cost alone: the control plane is not on the way of a request.
      const port = await node.trafficPort('http');
      return { port, http2Port: port, tlsPort: await node.trafficPort('https'), pid: node.child.pid };
    },
  };
}

/** With the log that the others write. */
export const causeway = peer('ours', {});
/** The same with two cores. */
export const causewayTwo = peer('ours-two', { workers: 2 });
/** With the log that is the default: five times the bytes. */
export const causewayJson = peer('ours-json', { format: 'json' });
/** With an upstream of HTTP/2. */
export const causewayH2c = peer('ours-h2c', { protocol: 'h2c' });
