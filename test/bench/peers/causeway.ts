// Ours, as a user runs it: a control plane, one node, a Gateway, a Service and a Route.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import type { Peer } from './peer.ts';

export const causeway: Peer = {
  name: 'ours',
  logs: true,
  version() {
    const { version }: { version: string } = JSON.parse(
      readFileSync(join(repository, 'package.json'), 'utf8'),
    );
    return version;
  },
  async start({ owner, directory, upstreamPort }) {
    const timeouts = { keepAlive: '1h' };
    const resources = [
      gateway({ timeouts }),
      service('behind', [upstreamPort]),
      route('behind', '/', 'behind'),
    ];
    const system = await startSystem(owner, { resources, accessLogFile: join(directory, 'access.log') });
    const [node] = system.nodes;
    if (node === undefined) throw new Error('the system has no node');
    // The node's cost alone: the control plane is not on the way of a request.
    return { port: await node.trafficPort(), pid: node.child.pid };
  },
};
