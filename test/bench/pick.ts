// What does it cost to pick an endpoint, for each policy, among 10, 100 and 1,000 endpoints, and to begin with them?
//
// Run: node test/bench/pick.ts

import { create } from '@bufbuild/protobuf';
import { createNodeShared, NodeShared } from '@causeway/data-plane/counts/node-shared';
import { sourcedRequest } from '@causeway/data-plane/proxy/request-source';
import type { Timed } from '@causeway/data-plane/proxy/timer-wheel';
import { poolContext, poolSettings } from '@causeway/data-plane/testing/pools';
import {
  type BalancingSettings,
  plainBalancing,
} from '@causeway/data-plane/upstream/balancing/balancing-settings';
import { ChoiceRequest } from '@causeway/data-plane/upstream/balancing/choice-request';
import { ServiceHandle } from '@causeway/data-plane/upstream/service-handle';
import { EndpointSetSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { describeMachine } from './machine.ts';

/** Threads whose counts are summed: those of a node of four workers, which may each have one in its place, and the supervisor. */
const workers = 8;
const picks = 1_000_000;
const rounds = 5;
const requestCount = 1024;

const hash = { kind: 'header', name: 'x-user-id' } as const;
const cases: readonly (readonly [string, Partial<BalancingSettings>, 'weights' | 'equal'])[] = [
  ['roundRobin', {}, 'equal'],
  ['roundRobin, weights 1 to 10', {}, 'weights'],
  ['random', { policy: 'random' }, 'weights'],
  ['leastRequest', { policy: 'leastRequest' }, 'weights'],
  ['peakEwma', { policy: 'peakEwma' }, 'weights'],
  ['consistentHash', { policy: 'consistentHash', hash }, 'weights'],
  ['consistentHash, bounded', { policy: 'consistentHash', hash, boundedLoadPercent: 125 }, 'weights'],
  ['first', { policy: 'first' }, 'weights'],
  ['affinity.by', { affinity: { by: hash } }, 'weights'],
];

const deadline: Timed = { wheelNext: undefined, wheelPrevious: undefined, dueMs: 0, onDue: () => {} };

print(describeMachine());
print(`policy                          endpoints   ns a pick   ms until it is ready   of it at once`);
for (const [name, settings, weights] of cases)
  for (const endpoints of [10, 100, 1000]) await measure(name, settings, weights, endpoints);

async function measure(
  name: string,
  settings: Partial<BalancingSettings>,
  weights: 'weights' | 'equal',
  endpoints: number,
): Promise<void> {
  const context = { ...poolContext(), shared: new NodeShared(createNodeShared(workers), 0) };
  // Traffic keeps the wheel going, whose ticks spare a look at the clock.
  context.wheel.schedule(deadline, context.clock.monotonicMs() + 3_600_000);
  const balancing = { ...plainBalancing, ...settings };
  const service = new ServiceHandle('default/bench', poolSettings({ balancing }), context);
  const entries = Array.from({ length: endpoints }, (_, index) => ({
    id: `e-${index.toString(16)}`,
    address: `10.0.${index >> 8}.${index & 255}`,
    port: 8080,
    weight: weights === 'equal' ? 1 : 1 + (index % 10),
  }));
  const startedAt = performance.now();
  service.setEndpoints(create(EndpointSetSchema, { service: 'default/bench', version: 1, entries }));
  const atOnceMs = performance.now() - startedAt;
  await service.resolved();
  const readyMs = performance.now() - startedAt;
  // Some work is in flight, and all have answered.
  for (const endpoint of service.endpoints) {
    service.begin(endpoint);
    service.begin(endpoint);
    service.finish(endpoint, 200, 5, service.gate.admit());
  }
  const requests = Array.from({ length: requestCount }, (_, index) => requestOf(`user-${index}`));
  let bestNs = Infinity;
  for (let round = 0; round < rounds; round += 1) bestNs = Math.min(bestNs, timePicks(service, requests));
  service.close();
  context.wheel.cancel(deadline);
  const cells = [
    String(endpoints).padStart(9),
    bestNs.toFixed(0).padStart(11),
    readyMs.toFixed(1).padStart(22),
  ];
  print(`${name.padEnd(30)} ${cells.join(' ')} ${atOnceMs.toFixed(1).padStart(15)}`);
}

function timePicks(service: ServiceHandle, requests: readonly ChoiceRequest[]): number {
  const looks = service.looksAtRequest;
  const startedAt = performance.now();
  for (let count = 0; count < picks; count += 1)
    service.pick(looks ? requests[count % requestCount] : undefined);
  return ((performance.now() - startedAt) / picks) * 1e6;
}

function requestOf(user: string): ChoiceRequest {
  const route = {
    method: 'GET',
    host: 'a.test',
    path: '/',
    query: undefined,
    encoded: 0,
    header: () => user,
  };
  return new ChoiceRequest(sourcedRequest('192.0.2.1', 'default/r', route), { affinity: undefined });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
