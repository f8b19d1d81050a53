import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { EndpointResource } from '@causeway/model/api-types';
import type { Spec } from '@causeway/model/resource';
import {
  type EndpointHealth,
  EndpointHealthSchema,
  HealthState,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { type NodeRecord, NodeRegistry } from '../publish/node-registry.ts';
import { staticEndpoints } from '../registry/static-endpoints.ts';
import { manifest, route } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { shownResource } from './compute-status.ts';
import { endpointResources } from './endpoint-status.ts';

const sinceMs = Date.parse('2030-01-01T00:00:00.000Z');

async function setting(t: TestContext, spec: Spec = {}) {
  const world = await openWorld(t);
  const endpoints = [
    { address: '192.0.2.1', port: 9001, zone: 'eu-1b' },
    { address: 'orders.example.com', port: 9001 },
  ];
  await world.write([
    manifest('Service', 'a', { endpoints, healthCheck: { active: {} }, ...spec }),
    route('r', 'a'),
  ]);
  const nodes = new NodeRegistry(world.clock, 3_600_000);
  const join = (id: string): NodeRecord =>
    nodes.join({ id, instance: id, gateway: 'default', labels: {}, version: '1', workers: 1 })!;
  const entry = world.index.get('service/default/a')!;
  const [one, named] = staticEndpoints(entry).entries.map(({ id }) => id) as [string, string];
  const finding = (endpoint: string, state: HealthState, detail = ''): EndpointHealth =>
    create(EndpointHealthSchema, { service: 'default/a', endpoint, state, detail, sinceMs });
  const shown = (): EndpointResource[] => endpointResources(entry, world.index, nodes);
  const brief = (): string[] =>
    shown().map(({ status }) => `${status.state} ${status.healthyOn}/${status.of}`);
  const conditions = (): string[] =>
    (shownResource(entry, world.index, nodes).status?.conditions ?? [])
      .filter(({ type }) => type === 'Degraded')
      .map(({ status, reason, message }) => `${status} ${reason}: ${message}`);
  return { nodes, join, finding, shown, brief, conditions, one, named };
}

describe('the status of endpoints', () => {
  it('is unknown before a node has told, and healthy as soon as one finds so', async (t) => {
    const { join, finding, shown, brief, conditions, one } = await setting(t);
    assert.deepEqual(brief(), ['unknown 0/0', 'unknown 0/0']);
    const node = join('n-1');
    join('n-2');
    assert.deepEqual(brief(), ['unknown 0/2', 'unknown 0/2']);
    node.health.tell([finding(one, HealthState.HEALTHY)], true);
    assert.deepEqual(brief(), ['healthy 1/2', 'unknown 0/2']);
    const [first] = shown();
    assert.equal(first?.status.lastChange, '2030-01-01T00:00:00.000Z');
    assert.deepEqual(first?.spec, {
      service: 'a',
      address: '192.0.2.1',
      port: 9001,
      weight: 1,
      priority: 0,
      zone: 'eu-1b',
      serverName: null,
    });
    assert.deepEqual(conditions(), []);
  });

  it('is degraded when some nodes find it unfit, and unhealthy when all do', async (t) => {
    const { join, finding, shown, brief, conditions, one, named } = await setting(t);
    const [first, second] = [join('n-1'), join('n-2')];
    const refused = finding(one, HealthState.UNHEALTHY, 'connection refused');
    first.health.tell([refused, finding(named, HealthState.HEALTHY)], true);
    second.health.tell([finding(one, HealthState.HEALTHY), finding(named, HealthState.HEALTHY)], true);
    assert.deepEqual(brief(), ['degraded 1/2', 'healthy 2/2']);
    assert.deepEqual(shown()[0]?.status.nodes, [
      { node: 'n-1', state: 'unhealthy', detail: 'connection refused' },
      { node: 'n-2', state: 'healthy', detail: '' },
    ]);
    assert.deepEqual(conditions(), ['True EndpointsUnhealthy: 1 of 2 endpoints is healthy on n-1']);
    second.health.tell([refused], false);
    assert.deepEqual(brief(), ['unhealthy 0/2', 'healthy 2/2']);
    first.health.tell([finding(named, HealthState.EJECTED, '3 connects failed')], false);
    assert.deepEqual(conditions(), ['True NoHealthyEndpoint: 0 of 2 endpoints are healthy']);
    second.health.tell([finding(named, HealthState.EJECTED, '3 connects failed')], false);
    assert.deepEqual(brief(), ['unhealthy 0/2', 'ejected 0/2']);
  });

  it('of a host name may be degraded on a node', async (t) => {
    const { join, finding, shown, brief, conditions, one, named } = await setting(t);
    const { health } = join('n-1');
    const partly = finding(named, HealthState.DEGRADED, '2001:db8::1: timeout after 2s');
    health.tell([finding(one, HealthState.UNHEALTHY, 'x'), partly], true);
    assert.deepEqual(brief(), ['unhealthy 0/1', 'degraded 0/1']);
    assert.equal(shown()[1]?.status.nodes[0]?.detail, '2001:db8::1: timeout after 2s');
    assert.deepEqual(conditions(), ['True EndpointsUnhealthy: 0 of 2 endpoints are healthy, 1 in part']);
    health.tell([finding(named, HealthState.UNHEALTHY, 'the name has no address')], false);
    assert.deepEqual(conditions(), ['True NoHealthyEndpoint: 0 of 2 endpoints are healthy']);
    health.tell([finding(named, HealthState.UNKNOWN)], false);
    assert.deepEqual(brief()[1], 'unknown 0/1');
  });

  it('says nothing of a Service whose unfit endpoints get no requests anyway', async (t) => {
    const endpoints = [
      { address: '192.0.2.1', port: 9001, weight: 0 },
      { address: 'orders.example.com', port: 9001 },
    ];
    const { join, finding, conditions, one, named } = await setting(t, { endpoints });
    const { health } = join('n-1');
    health.tell([finding(one, HealthState.UNHEALTHY, 'x')], true);
    assert.deepEqual(conditions(), []);
    health.tell([finding(one, HealthState.HEALTHY), finding(named, HealthState.UNHEALTHY, 'x')], true);
    assert.deepEqual(conditions(), ['True NoHealthyEndpoint: 0 of 1 endpoints are healthy']);
  });

  it('counts no node where none asks', async (t) => {
    const { join, shown } = await setting(t, { healthCheck: {} });
    join('n-1');
    assert.deepEqual(
      shown().map(({ status }) => [status.state, status.healthyOn, status.of]),
      [
        ['unknown', null, 1],
        ['unknown', null, 1],
      ],
    );
  });

  it('forgets what a node found before its stream began anew', async (t) => {
    const { join, finding, brief, one } = await setting(t);
    const { health } = join('n-1');
    health.tell([finding(one, HealthState.UNHEALTHY, 'x')], true);
    assert.equal(brief()[0], 'unhealthy 0/1');
    health.tell([], true);
    assert.equal(brief()[0], 'unknown 0/1');
  });
});
