// Memory that sockets read into is used again and again. Many exchanges of all kinds at once, every byte of them checked, find
// memory that was used again too early, and bytes that went to somebody else.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { describe, test } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { onEnd, type Owner } from '../kit/owner.ts';
import { startSystem } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { seed, seededRandom } from '../kit/seeded-random.ts';
import { scaled } from './scale.ts';
import { exchange, type Outcome, randomPlan, startVerifying } from './verified-exchange.ts';

const seconds = scaled(8, 600);
const clients = 32;
/** One client in so many goes to the upstream with TLS. */
const secureEach = 4;
const name = 'upstream.test';
const routes = ['plain', 'secure'] as const;

type Tally = Record<Outcome, number>;

/** A node before an upstream without and one with TLS. */
async function start(owner: Owner) {
  const authority = await TestAuthority.create();
  const plain = await startVerifying(owner);
  const secure = await startVerifying(owner, await authority.issue({ names: [name] }));
  // Few connections, so that each carries many exchanges.
  const pool = { maxConnections: 16 };
  const tls = { serverName: name, trust: ['ca'] };
  const system = await startSystem(owner, {
    resources: [
      gateway(),
      { kind: 'Certificate', metadata: { name: 'ca' }, spec: { certificate: authority.certificate } },
      service('plain', [plain.port], { pool }),
      service('secure', [secure.port], { pool, protocol: 'https', tls }),
      ...routes.map((each) => route(each, `/${each}`, each)),
    ],
  });
  const [node] = system.nodes;
  return { node: node!, port: await node!.trafficPort() };
}

describe('bytes of many exchanges at once', () => {
  test(`are right, each of them, for ${seconds} s`, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const { node, port } = await start(t);
    const endMs = performance.now() + seconds * 1000;
    const tally: Tally = { complete: 0, 'broken off': 0 };
    let bytes = 0;
    const failed = new AbortController();
    const run = async (client: number): Promise<void> => {
      const random = seededRandom(seed + client);
      const agent = new Agent({ keepAlive: true });
      onEnd(t, () => agent.destroy());
      while (performance.now() < endMs && !failed.signal.aborted) {
        const plan = randomPlan(random);
        const outcome = await exchange(
          agent,
          port,
          client % secureEach === 0 ? 'secure' : 'plain',
          plan,
        ).catch((error: unknown) => {
          failed.abort();
          throw error;
        });
        tally[outcome] += 1;
        bytes += plan.uploadBytes + plan.downloadBytes;
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
    t.diagnostic(
      `${tally.complete} exchanges, ${tally['broken off']} broken off, ${(bytes / 2 ** 20).toFixed(0)} MiB`,
    );
    assert.ok(tally.complete > 50 && tally['broken off'] > 0, JSON.stringify(tally));
    const metrics = await eventually(() => scrape(node), {
      what: 'no exchange is left over',
      until: (now) => now.value('http_server_active_requests') === 0,
    });
    assert.equal(metrics.sum('causeway_requests_total', { reason: 'internal' }), 0);
  });
});
