// What an operator sees when endpoints go wrong: lists, descriptions, conditions, and the verbs that mend.

import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, route } from '../../kit/resources.ts';
import { listen } from '../../kit/upstreams/listen.ts';
import { startTranscript } from './transcript.ts';

interface Upstream {
  readonly port: number;
  /** Status of its checks from now on. */
  health: number;
}

async function startUpstream(context: TestContext): Promise<Upstream> {
  const upstream = { port: 0, health: 200 };
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/healthz' ? upstream.health : 200;
    response.end('fine');
  });
  upstream.port = await listen(context, server);
  return upstream;
}

test('the health of endpoints at the command line', async (context) => {
  const [one, other] = [await startUpstream(context), await startUpstream(context)];
  const orders = {
    kind: 'Service',
    metadata: { name: 'orders' },
    spec: {
      endpoints: [
        { address: '127.0.0.1', port: one.port, zone: 'eu-1a' },
        { address: '127.0.0.1', port: other.port, weight: 3 },
      ],
      loadBalancing: { policy: 'leastRequest' },
      affinity: { cookie: { ttl: '1h' } },
      healthCheck: {
        active: { path: '/healthz', interval: '100ms', timeout: '1s', unhealthyAfter: 1, healthyAfter: 1 },
      },
      circuitBreaker: { maxRequests: 100, failureRate: {} },
    },
  };
  const system = await startSystem(context, {
    nodes: ['edge-1', 'edge-2'],
    resources: [
      gateway(),
      orders,
      route('orders', '/', 'orders', {
        retry: { attempts: 2, statuses: [503] },
        affinity: { by: 'address' },
      }),
    ],
  });
  const { admin, gwctlConfig } = system.controlPlane;
  /** As both nodes find them, and with nothing under way. */
  const endpointsAre = async (...states: string[]): Promise<void> => {
    await eventually(() => admin.call('GET', 'namespaces/default/services/orders/endpoints'), {
      what: `the endpoints are ${states.join(' and ')}`,
      until: (answer) =>
        states.every((state, index) => {
          const of = (...path: (string | number)[]): unknown =>
            answer.field('items', index, 'status', ...path);
          const onNodes = [0, 1].map((node) => of('nodes', node, 'state'));
          return of('activeRequests') === 0 && onNodes.every((found) => found === state);
        }),
    });
  };
  const session = await startTranscript(context, {
    config: gwctlConfig,
    variables: [
      [String(one.port), '<one>'],
      [String(other.port), '<other>'],
    ],
  });
  await endpointsAre('healthy', 'healthy');
  await session.gwctl('get', 'endpoints');
  one.health = 503;
  await endpointsAre('unhealthy', 'healthy');
  await session.gwctl(
    'get',
    'ep',
    '-o',
    'wide',
    '--field-selector',
    'spec.service=orders,status.state!=healthy',
  );
  other.health = 500;
  await endpointsAre('unhealthy', 'unhealthy');
  await session.gwctl('get', 'services', '-o', 'wide');
  await session.gwctl('describe', 'service', 'orders');
  await session.gwctl('describe', 'route', 'orders');
  await session.gwctl('reset', 'breaker', 'orders');
  await session.gwctl('reset', 'breaker', 'nope');
  await session.gwctl('keys', 'rotate', 'session');
  await session.gwctl('keys', 'rotate', 'tls');
  one.health = 200;
  other.health = 200;
  await endpointsAre('healthy', 'healthy');
  await session.gwctl('describe', 'service', 'orders');
  await session.matches('health');
});
