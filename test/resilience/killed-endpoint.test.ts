// D19 and the main promise: one of three endpoints dies under load, and clients do not notice.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { startSystem } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { MendableUpstream } from './mendable-upstream.ts';

const request = 'GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n';

describe('an endpoint that is killed under load', () => {
  test('costs no idempotent request once it is detected, and hardly any before', async (context) => {
    const upstreams = ['a', 'b', 'c'].map((name) => new MendableUpstream(context, name));
    await Promise.all(upstreams.map((upstream) => upstream.start()));
    const active = {
      path: '/healthz',
      interval: '250ms',
      timeout: '1s',
      unhealthyAfter: 2,
      healthyAfter: 1,
    };
    const system = await startSystem(context, {
      resources: [
        gateway(),
        service(
          's',
          upstreams.map(({ port }) => port),
          { healthCheck: { active } },
        ),
        route('r', '/', 's', { retry: { attempts: 2 } }),
      ],
    });
    const node = system.nodes[0]!;
    const healthy = async (count: number): Promise<void> => {
      await eventually(() => scrape(node), {
        what: `${count} endpoints are healthy`,
        until: (metrics) =>
          metrics.value('causeway_service_endpoints', { service: 'default/s', state: 'healthy' }) === count,
      });
    };
    await healthy(3);
    const port = await node.trafficPort();
    // With pauses: a machine without time for checks would find endpoints ill that are not.
    const load = startLoad(context, { port, request, connections: 16, pauseMs: 5 });
    await eventually(() => load.result.ok > 1000, { what: 'the load runs' });
    const before = load.result;
    await upstreams[1]!.kill();
    await healthy(2);
    const atDetection = load.result;
    await eventually(() => load.result.ok > atDetection.ok + 3000, { what: 'the load goes on' });
    await upstreams[1]!.start();
    await healthy(3);
    const answered = load.result.ok;
    await eventually(() => load.result.ok > answered + 1000, { what: 'the load goes on with all three' });
    const over = await load.stop();
    context.diagnostic(
      `${atDetection.ok - before.ok} answered and ${atDetection.failed} failed before it was detected, ${over.ok - atDetection.ok} and ${over.failed - atDetection.failed} after`,
    );
    assert.deepEqual([over.failed - atDetection.failed, before.failed], [0, 0], JSON.stringify(over.reasons));
    const share = atDetection.failed / (atDetection.ok - before.ok + atDetection.failed);
    assert.ok(share < 0.001, `${share} of the requests failed before it was detected`);
  });
});
