// Ours, as a user runs it: a control plane, one node, a Gateway, a Service and a Route.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import type { Peer } from './peer.ts';

/** `format` of the access log. */
function peer(name: string, format: 'combined' | 'json', workers: number): Peer {
  return {
    name,
    logs: true,
    version() {
      const { version }: { version: string } = JSON.parse(
        readFileSync(join(repository, 'package.json'), 'utf8'),
      );
      return version;
    },
    async start({ owner, directory, upstreamPort }) {
      const output = `file:${join(directory, 'access.log')}`;
      const resources = [
        gateway({
          timeouts: { keepAlive: '1h' },
          limits: { maxRequestsPerConnection: 0 },
          accessLog: { format, output },
        }),
        service('behind', [upstreamPort]),
        route('behind', '/', 'behind'),
      ];
      const system = await startSystem(owner, { resources, workers });
      const [node] = system.nodes;
      if (node === undefined) throw new Error('the system has no node');
      // The node's cost alone: the control plane is not on the way of a request.
      const port = await node.trafficPort();
      return { port, http2Port: port, pid: node.child.pid };
    },
  };
}

/** With the log that the others write. */
export const causeway = peer('ours', 'combined', 1);
/** The same with two cores. */
export const causewayTwo = peer('ours-two', 'combined', 2);
/** With the log that is the default: five times the bytes. */
export const causewayJson = peer('ours-json', 'json', 1);
