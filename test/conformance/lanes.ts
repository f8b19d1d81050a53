// One gateway, many ports: every lane is a listener with an upstream of its own, so that cases run side by side and each knows
// which bytes are its.

import { createServer } from 'node:http';
import type { Owner } from '../kit/owner.ts';
import { type DataPlaneNode, startSystem } from '../kit/processes.ts';
import { gateway, type Resource, service } from '../kit/resources.ts';
import { listen } from '../kit/upstreams/listen.ts';
import { RecordingUpstream } from './recording-upstream.ts';

export interface Lane {
  /** Of the gateway. */
  readonly port: number;
  readonly upstream: RecordingUpstream;
}

/** The profile that the cases are written for: requests for gw.test, of which /admin needs a credential that nobody has. */
const host = 'gw.test';
const timeouts = { requestHead: '5s', requestBodyIdle: '20s' };

export class Lanes {
  readonly node: DataPlaneNode;
  readonly #free: Lane[];
  readonly #waiting: ((lane: Lane) => void)[] = [];

  constructor(node: DataPlaneNode, lanes: readonly Lane[]) {
    this.node = node;
    this.#free = [...lanes];
  }

  /** Runs `use` on a lane that nobody else has meanwhile. */
  async with<T>(use: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = this.#free.pop() ?? (await new Promise<Lane>((resolve) => this.#waiting.push(resolve)));
    try {
      return await use(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(lane);
      else next(lane);
    }
  }
}

export async function startLanes(owner: Owner, count: number): Promise<Lanes> {
  const upstreams = Array.from({ length: count }, () => new RecordingUpstream());
  await Promise.all(upstreams.map((upstream) => upstream.open(owner)));
  const gatekeeper = await startGatekeeper(owner);
  const listeners = upstreams.map((_, index) => ({ name: nameOf(index), address: '127.0.0.1', port: 0 }));
  const system = await startSystem(owner, {
    resources: [
      gateway({ listeners, timeouts }),
      service('gatekeeper', [gatekeeper]),
      routeTo('gatekeeper', '/admin'),
      ...upstreams.flatMap(({ port }, index) => [
        service(nameOf(index), [port]),
        routeTo(nameOf(index), '/', `default/${nameOf(index)}`),
      ]),
    ],
  });
  const node = system.nodes[0]!;
  const ports = await Promise.all(upstreams.map((_, index) => node.trafficPort(nameOf(index))));
  return new Lanes(
    node,
    upstreams.map((upstream, index) => ({ port: ports[index]!, upstream })),
  );
}

function nameOf(index: number): string {
  return `lane-${index}`;
}

function routeTo(name: string, prefix: string, listener = 'default'): Resource {
  return {
    kind: 'Route',
    metadata: { name },
    spec: {
      gateways: [listener],
      hosts: [host],
      matches: [{ path: { prefix } }],
      backends: [{ service: name }],
    },
  };
}

/** Stands for an authentication that fails: what reaches it did not reach the upstream. */
async function startGatekeeper(owner: Owner): Promise<number> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(401, { 'www-authenticate': 'Basic realm="admin"', 'content-length': 0 }).end();
  });
  return listen(owner, server);
}
