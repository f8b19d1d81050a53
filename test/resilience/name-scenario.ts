// A Service whose host name gets other addresses under load. A program of its own, because it asks a name server of its own: it runs in
// namespaces in which that is the one of the system. Prints what it counted as JSON.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { onEnd, OwnScope, type Owner } from '../kit/owner.ts';
import { startSystem } from '../kit/processes.ts';
import { gateway, route } from '../kit/resources.ts';
import { startNameServer } from '../kit/upstreams/name-server.ts';

/** What the program prints. */
export interface NameScenarioResult {
  /** Requests that failed, of so many in all. */
  readonly failed: number;
  readonly reasons: object;
  readonly ok: number;
  /** Milliseconds until the first answer of an address that is new, and until the last one of an address that is gone. */
  readonly movedAfterMs: number;
  /** States of endpoints when one of two addresses refuses connections, and when that one is gone. */
  readonly oneRefuses: object;
  readonly oneIsGone: object;
}

const [first, second, refusing] = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;
if (import.meta.main) process.stdout.write(`${JSON.stringify(await run())}\n`);

async function run(): Promise<NameScenarioResult> {
  const scope = new OwnScope();
  try {
    const names = await startNameServer(scope, '127.0.0.1');
    names.set('orders.test', first);
    const answered = new Map<string, number>();
    const port = await startUpstream(scope, first, 0, answered);
    await startUpstream(scope, second, port, answered);
    const endpoints = [{ address: 'orders.test', port }];
    const healthCheck = { active: { path: '/', interval: '100ms', timeout: '1s' } };
    const orders = { kind: 'Service', metadata: { name: 's' }, spec: { endpoints, healthCheck } };
    const { nodes } = await startSystem(scope, { resources: [gateway(), orders, route('r', '/', 's')] });
    const node = nodes[0]!;
    const states = async (): Promise<object> => {
      const metrics = await scrape(node);
      const of = (state: string): number => metrics.value('causeway_service_endpoints', { state });
      return { healthy: of('healthy'), unhealthy: of('unhealthy') };
    };
    const becomes = (wanted: object): Promise<object> =>
      eventually(states, {
        what: `the endpoints are ${JSON.stringify(wanted)}`,
        until: (now) => JSON.stringify(now) === JSON.stringify(wanted),
      });
    await becomes({ healthy: 1, unhealthy: 0 });
    const load = startLoad(scope, {
      port: await node.trafficPort(),
      request: 'GET /load HTTP/1.1\r\nhost: a.test\r\n\r\n',
      pauseMs: 5,
    });
    await eventually(() => load.result.ok > 100, { what: 'the load runs' });
    names.set('orders.test', second);
    const startMs = performance.now();
    await eventually(() => (answered.get(second) ?? 0) > 0, { what: 'the new address is asked' });
    await eventually(
      async () => {
        const before = answered.get(first);
        const { ok } = load.result;
        await eventually(() => load.result.ok > ok + 50, { what: 'the load goes on' });
        return answered.get(first) === before;
      },
      { what: 'the old address is asked no more' },
    );
    const movedAfterMs = Math.round(performance.now() - startMs);
    names.set('orders.test', second, refusing);
    const oneRefuses = await becomes({ healthy: 1, unhealthy: 1 });
    const { ok, failed, reasons } = await load.stop();
    names.set('orders.test', second);
    const oneIsGone = await becomes({ healthy: 1, unhealthy: 0 });
    return { failed, reasons, ok, movedAfterMs, oneRefuses, oneIsGone };
  } finally {
    await scope.end();
  }
}

/** Counts what is asked for under load, by its address. */
async function startUpstream(
  owner: Owner,
  address: string,
  port: number,
  answered: Map<string, number>,
): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === '/load') answered.set(address, (answered.get(address) ?? 0) + 1);
    response.end('ok');
  });
  server.listen(port, address);
  await once(server, 'listening');
  onEnd(owner, () => {
    server.closeAllConnections();
    server.close();
  });
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('no address');
  return bound.port;
}
